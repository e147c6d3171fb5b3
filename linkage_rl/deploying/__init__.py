"""Deploys an image to a SageMaker endpoint: CloudFormation stack, releases, rollback."""
