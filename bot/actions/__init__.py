"""Actions of rasa-sdk, run in process; the only part of the product that knows rasa-sdk."""
