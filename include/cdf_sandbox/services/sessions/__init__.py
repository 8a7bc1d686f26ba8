"""The Sessions API: a nonce is valid for one minute and for one use."""
