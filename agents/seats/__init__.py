"""The two seats, policy and critic, and what they are shown."""
