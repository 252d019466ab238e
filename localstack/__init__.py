"""The cloud on one machine: the very archives and the very template that go to AWS, on a local AWS."""
