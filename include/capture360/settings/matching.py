"""Settings `links.matching.*`: how texts become links.

They are named as in the CDF SDK's `DiagramDetectConfig` where they mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from capture360.settings.section import Angle, Count, Fraction, NotNegative, Positive, Section, of_defaults
from capture360.validation_words import brief

LOOK_ALIKES: Mapping[str, tuple[str, ...]] = {
    "0": ("O", "Q", "D"),
    "1": ("I",),
    "2": ("Z",),
    "5": ("S",),
    "6": ("G",),
    "8": ("B",),
}
SIGN_WORDS = ("DANGER", "WARNING", "CAUTION", "NOTICE", "EXIT", "EMERGENCY EXIT", "NO SMOKING", "HIGH VOLTAGE")
POINTING_WORDS = (
    "ABANDONED", "ABOVE", "ACCANTO", "ADJACENT", "AFTER", "ALIMENTADA", "ALIMENTADO", "ALIMENTATA", "ALIMENTATO",
    "ALIMENTE", "ALIMENTEE", "ALIMENTEES", "ALIMENTES", "ALLA", "ALLO", "ALTE", "ANCIEN", "ANCIENNE", "AND", "AROUND",
    "ARRET", "ATE", "AUS", "AUTO", "AVEC", "BAK", "BEFORE", "BEHIND", "BEI", "BELOW", "BESIDE", "BETWEEN", "BREDVID",
    "BYPASS", "CONNECTED", "CONTROLS", "COTE", "DAL", "DALL", "DALLA", "DALLO", "DECOMMISSIONED", "DEMOLISHED",
    "DEMONTERT", "DEPUIS", "DERRIERE", "DESDE", "DISMANTLED", "DISUSED", "DLA", "DOWNSTREAM", "DRIVES",
    "EHEMALS", "EINGESPEIST", "ENTRE", "ERSETZT", "ERSTATTER", "ERSTATTES", "ESTOP", "FED", "FEDFROM", "FEEDING",
    "FEEDS", "FEEDSTO", "FEEDTO", "FOR", "FORMER", "FORMERLY", "FORSYNER", "FORSYNES", "FORSYNING", "FORSYNT", "FRA",
    "FRAN", "FROM", "FRUEHER", "FRUHER", "FUER", "FUR", "FUTURE", "GAMMEL", "GEGENUBER", "GEGENUEBER", "GESPEIST",
    "GEVOED", "HACIA", "HINTER", "HOA", "INLETTO", "INTERLOCK", "INTERLOCKED", "INTO", "ISOLATE", "ISOLATES",
    "ISOLATION", "JUNTO", "JUSQUA", "MATAR", "MATAS", "MATER", "MATES", "MATET", "MED", "MELLOM", "MIT", "MOT", "NAAR",
    "NAAST", "NACH", "NAHE", "NEAR", "NEBEN", "NEXT", "NODSTOPP", "NOT", "NOTAUS", "NOTHALT", "OBOK", "OBSOLETE", "OF",
    "OLD", "ONTO", "OPPOSITE", "OUTLETTO", "OVER", "PARA", "PARADA", "PARO", "PATRZ", "PELA", "PELO", "PER", "POR",
    "POUR", "POWERED", "POWERFROM", "POWERS", "PRES", "PRESSO", "PREVIOUS", "PREVIOUSLY", "PROCEDENTE", "PROTECTS",
    "PROVENANCE", "PROXIMA", "PROXIMO", "PRZY", "REMOVED", "REMPLACE", "REPLACED", "REPLACES", "RETIRED", "SEE",
    "SERVED", "SERVES", "SERVING", "SIEHE", "SOUS", "SPARE", "SPEIST", "STARTS", "STILLGELEGT", "SUPPLIED", "SUPPLIES",
    "SUPPLY", "SUPPLYFROM", "SUPPLYTO", "SUR", "TIDL", "TIDLIGERE", "TIL", "TILL", "TO", "TOWARDS", "TRIPS", "UNDER",
    "UNTER", "UPSTREAM", "UTGATT", "VAN", "VANAF", "VANUIT", "VEASE", "VED", "VEDERE", "VEDI", "VEJA", "VER", "VERS",
    "VERSO", "VERSORGT", "VERSORGUNG", "VGL", "VIA", "VOEDING", "VOIR", "VON", "VOOR", "WAS", "WHEN", "WITH", "WITHOUT",
    "ZASILA", "ZASILANA", "ZASILANE", "ZASILANIE", "ZASILANY", "ZIE", "ZULEITUNG", "ZUM", "ZUR", "ZWISCHEN",
)  # fmt: skip
FIELD_WORDS = (
    "MODEL", "TYPE", "SERIAL", "DRAWING", "DWG", "REF", "REFERENCE", "ROOM", "BUILDING", "STARTER", "STOP", "ISOLATOR",
    "DISCONNECT", "CABLE", "KABEL", "CONDUIT", "VFD", "VSD", "SOV", "LOCAL", "INLET", "OUTLET", "SUCTION", "DISCHARGE",
    "RETURN", "DRAIN", "BLEED", "CWS", "CWR", "SUGELINJE", "RETUR", "INNLOP", "UTLOP", "VORLAUF", "RUCKLAUF",
    "EINTRITT", "AUSTRITT", "ABGANG", "EINSPEISUNG", "STEUERSTELLE", "VORORTSTEUERSTELLE", "REPARATURSCHALTER",
    "LEITUNG", "SIKKERHETSBRYTER", "SERVICEBRYTER", "FREKVENSOMFORMER", "FREQUENZUMRICHTER", "VARMEKABEL", "COFFRET",
    "ENTREE", "SORTIE", "RETOUR", "DEPART", "ALIMENTATION", "ENTRADA", "SALIDA", "RETORNO", "SALA", "MODELL", "TEGNING",
    "ROM", "RUM", "TYP", "ZEICHNUNG", "RAUM", "MODELE", "PLAN", "SALLE",
)  # fmt: skip
DESIGNATIONS = (
    "PT100", "PT500", "PT1000", "NI100", "NI1000", "CU10", "IP##", "IK##", "DN##", "DN###", "DN####", "PN##", "PN###",
    "A105", "A106", "A182", "A216", "A234", "A312", "A350", "P###GH", "CL150", "CL300", "CL600", "CL900", "CL1500",
    "CL2500", "TP304", "TP304L", "TP316", "TP316L", "TP321", "RS232", "RS422", "RS485", "EN10204", "EN1092", "API610",
    "API682",
)  # fmt: skip


class ConsensusSettings(Section):
    """When rays count as meeting. The defaults suit poses of laser scanners and SLAM (3 cm, 0.3 degrees)."""

    ascending = (("min_depth_m", "max_depth_m"),)
    max_residual_deg: Angle = 1.25
    """Largest angle in degrees by which rays that meet may miss each other: two and a half times the usual error of a
    mobile scanner."""
    min_ray_angle_deg: Angle = 5
    """Smallest angle in degrees at which two rays cross that count as meeting."""
    min_depth_m: NotNegative = 0.3
    """Least distance in metres from a camera to the point where rays meet."""
    max_depth_m: Positive = 8
    """Greatest distance in metres from a camera to the point where rays meet."""
    min_confidence: Fraction = 0.9
    """Confidence that each of the agreeing readings needs; those with look-alikes need `approve_confidence`."""
    min_score: Fraction = 0.8
    """Engine score that each of the agreeing readings needs."""
    sure_score: Fraction = 0.99
    """Engine score from which a text is not doubted because one other station reads a sibling in its direction."""
    apart_m: Positive = 1
    """Distance in metres above which two points of one asset are reported."""
    pose_residual_deg: Angle = 5
    """Angle in degrees: a capture whose rays usually miss each other by more has wrong poses."""
    pose_min_assets: Count = 8
    """Number of assets seen from several stations below which poses are not judged."""


class MatchingSettings(Section):
    """How texts become links. The calibration holds for the default substitutions; thresholds may differ by site."""

    substitutions: Mapping[str, tuple[str, ...]] = LOOK_ALIKES
    """Characters that are read for one another: `{"0": ["O", "Q"]}` means that an O may stand for a zero."""
    min_fuzzy_score: Fraction = 0.8
    """Least share of a text's characters that must stand as in the tag. 1 allows no substitution and no repair."""
    remove_leading_zeros: bool = False
    """Whether "A0001" matches "A1"."""
    min_chars: Count = 4
    """Letters and digits that a text needs to be matched at all."""
    direction_delta: Annotated[float, Field(ge=0, le=90)] = 15
    """Largest angle in degrees between two lines that are read as one plate; outlines of short ones are rough."""
    approve_confidence: Fraction = 0.995
    """Share of correct links in the calibration below which nothing is approved."""
    approve_score: Fraction = 0.95
    """Engine score below which nothing is approved. 0.95 suits PP-OCRv6; the scores of other engines differ."""
    approve_small_score: Fraction = 0.985
    """Engine score that one view needs alone if its capitals are lower than `ask_cap_px`: where a person could not read
    the plate, the engine has to be surer (capitals of 10 pixels: E-8005 read as E8006 at 0.952)."""
    approve_similar_score: Fraction = 0.998
    """Engine score that one view needs alone if one misread character (a 5 for a 6, an F for a P) of another tag of the
    list gives the tag that is read: nothing in the text tells which of the two the plate says."""
    approve_cap_px: NotNegative = 8
    """Height of capitals in pixels below which one view alone approves nothing: small digits are misread with high
    scores (capitals of 5 pixels: 405 read as 406 at 0.96). Applies to detectors that report the height."""
    ask_cap_px: NotNegative = 12.5
    """Height of capitals in pixels below which nobody is asked about a plate that no view shows larger: it is reported
    as seen and not legible. 14 pixels are legible, less a tenth by which the height is measured. 0 asks about every
    plate."""
    suggest_confidence: Fraction = 0.5
    """Share of correct links in the calibration below which nothing is suggested."""
    sign_words: tuple[str, ...] = SIGN_WORDS
    """Texts that are signs and not tags."""
    pointing_words: tuple[str, ...] = POINTING_WORDS
    """Words on a plate that say that it is about another thing: the pipe "TO P-101A", "OLD P-101A"."""
    field_words: tuple[str, ...] = FIELD_WORDS
    """Words that say of the number right after them, or right before at the end of its line, that it is no tag of the
    plate's thing: "MODEL V-200", "ROOM E-101", "P-101A STARTER"."""
    designations: tuple[str, ...] = DESIGNATIONS
    """Texts of nameplates that are no tags, `#` for a digit: a thermometer's Pt100 where the site has PT-100. A person
    is asked about them, unless a sign divides them as a tag."""
    strict: bool = False
    """Whether only what two stations agree on is approved."""
    consensus: ConsensusSettings = of_defaults()

    @field_validator("substitutions")
    @classmethod
    def _are_single_characters(cls, given: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """Refuse what no text can be folded by: longer texts, and characters that stand for several others."""
        seen: set[str] = set()
        for one, others in given.items():
            for text in (one, *others):
                if len(text.upper()) != 1:
                    raise ValueError(f'{brief(text)} is no single character. Write pairs such as "0": ["O", "Q"]')
                if text.upper() in seen:
                    raise ValueError(f'{brief(text)} is there twice. Name each character once, such as "0": ["O", "Q"]')
                seen.add(text.upper())
        return given
