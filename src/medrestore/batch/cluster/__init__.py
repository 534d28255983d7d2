"""A batch on a Dask cluster. Nothing here is loaded before a cluster is asked for."""
