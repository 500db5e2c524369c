"""The next study: simulated ratings with a known truth, and the designs they are drawn for.

``parameters`` says how raters behave, ``designs`` who rates which case, ``simulate`` draws ratings and writes
study folders, ``population`` gives the agreement that the model implies exactly. Everything made here is
synthetic.
"""
