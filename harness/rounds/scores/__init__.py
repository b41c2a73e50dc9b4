"""The scores of series: from runs, tables, logs and papers, as grids of items by rounds."""
