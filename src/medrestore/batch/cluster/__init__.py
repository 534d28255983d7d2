"""A batch on a Dask cluster. Nothing else here is loaded before a cluster is requested."""

from medrestore.errors import ClusterError

__all__ = ["require"]


def require() -> None:
    """Make sure that `dask.distributed` can be imported.

    Raises
    ------
    ClusterError
        If not; names the extra that brings it.
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ClusterError(
            "a cluster, or several jobs at once, need dask.distributed, which is not installed: "
            'pip install "medrestore[cluster]"'
        ) from error
