"""What a debate's own tree shows afterwards of its thoughts, as the verdicts that they deserved.

    on the path to a right end                             continue, and at its end the end itself
    a conclusion that the scorer refused                   backtrack to its parent: the answer is wrong
    left for good, and the right end lies elsewhere        backtrack to where the path to it forks off

Of everything else it is not known what it deserved. Sources: O1-Journey's use of a finished tree (part 1: the path to
a right leaf is right, what hangs off it is a detour), and Let's Verify Step by Step, §2.4, for saying nothing past the
first wrong step, so that of a branch only the first thought below the fork is wrong. Departures: the tree is the one
that the debate walked and not one expanded evenly, so a branch that was given up too early counts as wrong; and a wrong
step that was mended further down its path counts as right, unless people rated it wrong: then it is left out.
"""

from __future__ import annotations

from longthought.agents.decisions import Backtrack, Continue, Decision, Terminate
from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.refused import rated_wrong, wrong_ends

#: The reason of a way back for which the critic gave none.
NO_REASON = "this did not lead to the answer"


def hindsight(transcript: Transcript) -> dict[int, Decision]:
    """The verdict that each thought deserved, by thought id, where the tree shows it. Truncated thoughts have none."""
    deserved: dict[int, Decision] = {}
    if transcript.right:
        _right_path(transcript, deserved)
        _given_up(transcript, deserved)
    for step in rated_wrong(transcript):
        # It was gone on from, so it is not known where it would have been gone back to.
        deserved.pop(step, None)
    for end in wrong_ends(transcript):
        thought = transcript.thoughts[end - 1]
        if thought.answer is not None:
            above = len(transcript.path_to(thought.parent))
            said = f"the answer {thought.answer} is wrong" if thought.answer else "the answer is wrong"
            deserved[end] = Backtrack(to=above, why=said)
    return {
        thought: decision
        for thought, decision in sorted(deserved.items())
        if not transcript.thoughts[thought - 1].truncated
    }


def _right_path(transcript: Transcript, deserved: dict[int, Decision]) -> None:
    """Continue all along it, and the end at its end."""
    path = transcript.final_path
    deserved.update((thought.id, Continue()) for thought in path)
    if path:
        outcome = transcript.outcome
        if outcome.kind == outcomes.ILL_POSED:
            deserved[path[-1].id] = Terminate(reason="ill_posed", answer=outcome.why)
        else:
            stands = any(thought.answer is not None for thought in path)
            deserved[path[-1].id] = Terminate(reason="solved", answer=None if stands else outcome.answer)


def _given_up(transcript: Transcript, deserved: dict[int, Decision]) -> None:
    """Back to the fork, for the first thoughts of the branches that the debate went back past."""
    right = {thought.id for thought in transcript.final_path}
    for judgement in transcript.judgements:
        decision = judgement.decision
        if not isinstance(decision, Backtrack):
            continue
        path = transcript.path_to(judgement.thought)
        fork = next(depth for depth, thought in enumerate(path) if thought.id not in right)
        first = path[fork]
        if decision.to == fork and first.kind != "reflection":
            deserved[first.id] = Backtrack(to=fork, why=decision.why.strip() or NO_REASON)
