"""The container: a linker behind SageMaker's hosting contract."""
