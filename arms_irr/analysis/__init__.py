"""Questions: one file per question a user asks. Study in, Result out."""
