"""The classes of heart beats: those of AAMI, and which annotation symbol means which."""

from __future__ import annotations

BEAT_CLASSES = {
    "N": "beat of the usual pacemaker: sinus, bundle branch block, atrial or nodal escape",
    "S": "supraventricular ectopic beat: premature atrial or nodal",
    "V": "ventricular ectopic beat: premature ventricular, ventricular escape",
    "F": "fusion of a ventricular and a normal beat",
    "Q": "paced, fusion of a paced and a normal beat, or unclassifiable",
}
"""Classes of ANSI/AAMI EC57, in its order, with their meanings."""

# de Chazal P, O'Dwyer M, Reilly RB, IEEE TBME 51(7):1196-1206, 2004.
AAMI_CLASS_OF_SYMBOL = {
    **dict.fromkeys("NLRej", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VE", "V"),
    "F": "F",
    **dict.fromkeys("/fQ", "Q"),
}
"""From the MIT-BIH annotation symbol to the class; any other symbol is not a beat."""
