"""What WeCom's channels share: encrypted callbacks, access tokens, the API, error codes."""
