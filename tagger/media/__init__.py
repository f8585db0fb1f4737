"""Items → pixels: pictures, videos, and the processes that decode them."""
