"""Marking on several machines: an executor on a Dask cluster, for `saiten.batch`.

In: a scheduler's address, or a callable that returns a `distributed.Client`. Out: `pool.ClusterPool`.
`versions` compares what is installed, `link` holds the connection, `pool` places calls, `lodge` runs on the workers.
"""
