"""Can a training patient be found in the generator or in what it makes?"""
