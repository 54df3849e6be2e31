"""Getting runs: read what is stored, train what is not, here or on a Dask cluster."""
