"""The shipped networks through OpenVINO beside torch, on a CPU."""
