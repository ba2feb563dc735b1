"""The course's data sets, each in a module of its own.

In: files of installed packages. Out: frozen dataclasses with arrays, units and the credit to print beside a picture.
"""
