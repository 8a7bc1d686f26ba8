"""What a rule is, and the finding of a broken one."""
