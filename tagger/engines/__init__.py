"""Tensors → tensors: the backends that run models."""

import os

# onnxruntime sends reports of its use to its makers (which machine, which model, from which folder) unless this is set
# before it is loaded; switching it off afterwards is too late. Nothing leaves the machine unless a person asks for it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
