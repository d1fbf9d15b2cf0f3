"""Who may: proof of identity, policy, access requests and grants."""
