"""Specs of operators: generators of calls, a file per family or part of one."""
