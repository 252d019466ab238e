"""Who runs the training: one of these is deployed, `--param=jobs=lambda|ecs|batch|sagemaker`.

Each has a `url` (TIDEMILL_JOBS of what starts it), what that is granted (`start`), and its `functions` and `resources`.
"""
