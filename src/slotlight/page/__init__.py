"""The pages in the browser: `slotlight demo` and `slotlight review`."""
