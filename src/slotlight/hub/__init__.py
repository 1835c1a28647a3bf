"""Model folders on the Hugging Face hub: pushed with a card, fetched at one commit. Only safetensors and JSON."""
