"""Backends of inference: tensors → tensors."""
