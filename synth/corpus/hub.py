"""Puts a corpus on the Hugging Face hub, as a data set that is private unless told otherwise.

The token is the one that ``hf auth login`` or HF_TOKEN has set up; it is asked for by no one here and written nowhere.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from longthought.agents.errors import RunError, UsageError
from longthought.synth.corpus.manifest import read_manifest


def check_name(name: str) -> None:
    """Raise UsageError for what is no name of a data set, or where the hub's library is not installed."""
    errors = _hub("errors")
    try:
        _hub("utils").validate_repo_id(name)
    except errors.HFValidationError as error:
        raise UsageError(f"--push-to-hub {name}: should look like NAME or OWNER/NAME") from error


def push(corpus: Path, name: str, *, private: bool = True) -> str:
    """Upload the corpus in one commit, which also takes away what older ones left there; the data set's address.

    Raises:
        UsageError: ``corpus`` is none; or the data set is there already, public where a private one is meant.
        RunError: the hub cannot be reached, or refuses.
    """
    files = sorted({*read_manifest(corpus).files, "manifest.json"})
    hub, errors = _hub(), _hub("errors")
    api: Any = hub.HfApi()
    try:
        created: Any = api.create_repo(name, repo_type="dataset", private=private, exist_ok=True)
        full = str(created.repo_id)
        # A data set that is there already stays as public as it was.
        if private and not api.repo_info(full, repo_type="dataset").private:
            raise UsageError(f"{full}: is there already and public; --public says that this is meant")
        there: list[str] = api.list_repo_files(full, repo_type="dataset")
        operations = [hub.CommitOperationAdd(file, str(corpus / file)) for file in files]
        operations += [
            hub.CommitOperationDelete(file)
            for file in there
            if file not in files and file != ".gitattributes"
        ]
        api.create_commit(full, operations, commit_message="A corpus of longthought", repo_type="dataset")
    except errors.LocalTokenNotFoundError as error:
        raise UsageError("--push-to-hub: not logged in; run `hf auth login` first") from error
    except UsageError:
        raise
    except Exception as error:  # its errors come from many libraries
        raise RunError(f"{name}: not pushed to the hub: {_reason(error)}; {corpus} is whole") from error
    return f"{api.endpoint}/datasets/{full}"


def _reason(error: Exception) -> str:
    said = getattr(error, "server_message", None) or str(error) or type(error).__name__
    return " ".join(said.split())[:300]


def _hub(part: str = "") -> Any:
    try:
        return import_module(f"huggingface_hub.{part}".rstrip("."))
    except ImportError as error:
        raise UsageError("--push-to-hub needs: pip install 'longthought[export]'") from error
