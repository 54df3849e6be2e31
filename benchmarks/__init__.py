"""Speed measured side by side: every ratio comes from one run on one machine."""
