"""Tasks that read capture points: what every engine needs that spreads them over machines.

::

    points      the files of each capture point, as they were when the query was planned; tasks
    table_read  a table of a task's files, while it is read, and what is wrong with them

`wsdefrag.spark` and `wsdefrag.dask` give the tasks to their engines, and the rows the engines'
types. A task keeps nothing and changes nothing, so it can run anywhere, and again. Nothing of this
is public.
"""
