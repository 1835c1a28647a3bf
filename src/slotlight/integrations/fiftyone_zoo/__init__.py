"""A model source of FiftyOne's zoo: FiftyOne copies this folder and calls these two functions.

FiftyOne imports the copy under the name that the manifest gives the source, which must therefore not be that of a
package: a source called slotlight would hide Slotlight itself.
"""

from slotlight.integrations.fiftyone_zoo.zoo import download_model, load_model

__all__ = ["download_model", "load_model"]
