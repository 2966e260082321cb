"""Waves of spam: what tells one from normal life, and the brakes that hold it up for a while.

`wording` and `sighting` say what is looked at of a post, `crowds` and `floods` what is out of the ordinary, `watch`
puts them together, `brake` is what comes of it. All of it is bounded in memory and is handed the time.
"""
