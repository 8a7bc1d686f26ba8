"""The same requests to a real project and to the sandbox: where do they answer differently?"""
