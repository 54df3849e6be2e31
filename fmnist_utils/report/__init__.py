"""From notebooks to reports: parameters, execution, rendering, index."""
