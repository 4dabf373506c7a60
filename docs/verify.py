#!/usr/bin/env python3
"""Verifies exports, without Hansard: python3 verify.py [--key KEY] [--anchors DIR] DIR (--help names all options)

Written from manifest.md, with Python's standard library (3.8 or later), and `openssl` for the signatures. Looks at DIR
and all directories below it; each that holds exports is a series. Exit code 0: good. 1: broken, and it says what, or
sealed as incomplete. 2: something cannot be read, or there is nothing to verify. 3: complete except for numbers that
two people accepted as missing.

"Cannot be read" and "is not what was sealed" are kept apart: a failing disk is no forgery. Memory does not grow with
the size of the files.
"""

import argparse
import base64
import hashlib
import json
import math
import os
import re
import stat
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from itertools import zip_longest
from urllib.parse import quote, unquote

MANIFEST = ".manifest.json"
STEM = re.compile(
    r"^([0-9]{8}T[0-9]{6}(?:\.[0-9]{3})?Z_[0-9]{8}T[0-9]{6}(?:\.[0-9]{3})?Z(?:_addendum-[1-9][0-9]*)?)[.-][^\n]"
)
HASH = re.compile(r"[0-9a-f]{64}")
LINE = re.compile(
    r"([^\t]+)\t([1-9][0-9]{0,14})\t(?:(-|[0-9a-f]{32})\t)?([1-9][0-9]{0,14})\t([0-9a-f]{64})(?:\tquarantined\t([0-9a-f]{64}))?"
)
KINDS = ["chat", "join", "part", "backchat", "file-upload", "file-download", "chat-replaced", "chat-purged", "change",
         "sign-in", "sign-in-refused", "assignment", "sign-out", "session-expired"]
FORMATS = {
    "hansard-manifest/1": {"kinds": KINDS[:8], "roles": ["document", "chain"], "incarnations": False},
    "hansard-manifest/2": {"kinds": KINDS[:9], "roles": ["document", "attachments", "chain"], "incarnations": False},
    "hansard-manifest/3": {"kinds": KINDS, "roles": ["document", "attachments", "chain"], "incarnations": True},
}
REASONS = ["missing", "in-part", "time", "sender", "repeated", "changed", "malformed"]
PROBLEMS = ["empty", "malformed", "names", "depends-on-texts"]
POOL_FORMAT = "hansard-pool-manifest/1"
POOL_NAME = re.compile(r"pool-[0-9]{8}T[0-9]{6}(?:\.[0-9]{3})?Z_[0-9]{8}T[0-9]{6}(?:\.[0-9]{3})?Z")
STATES = ["alive", "stopped", "fenced", "dead"]
LINE_MAX = 100_000
RECORD_PROFILE = "record-1"
TEXT_MAX = 64 << 20


def sha256(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def genesis(source, epoch, incarnation):
    if incarnation == "":
        return sha256("hansard-chain-1\n%s\n%d" % (source, epoch))
    return sha256("hansard-chain-2\n%s\n%d\n%s" % (source, epoch, incarnation))


def next_head(head, leaf):
    return sha256(head + "\n" + leaf)


# ---------------------------------------------------------------------------------------------------- the manifest


class Altered(Exception):
    """The file is not what was sealed."""


class Unknown(Exception):
    """The file is whole, but of a format that this program does not know."""


def parse_manifest(data):
    """The members of a manifest, once its bytes have been found to be those of a manifest."""
    match = re.search(rb'\n  "contentSha256": "([0-9a-f]{64})"\n\}\n\Z', data)
    if not match:
        raise Altered("it does not end with the hash of its own lines")
    content = data[: match.start() + 1]
    if hashlib.sha256(content).hexdigest() != match.group(1).decode():
        raise Altered("its lines do not have the hash at its end")
    try:
        text = data.decode("utf-8")
        members = json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Altered("it is not JSON: %s" % error)
    if not isinstance(members, dict) or not known(members.get("format")):
        found = members.get("format") if isinstance(members, dict) else None
        raise Unknown("its format is %s" % json.dumps(found))
    check_shape(members)
    if written(members) != text:
        raise Altered("it is not written the way manifests are written")
    return members


def written(members):
    text = json.dumps(members, indent=2, ensure_ascii=False) + "\n"
    return re.sub("[\ud800-\udfff]", lambda one: "\\u%04x" % ord(one[0]), text)


def known(name):
    return isinstance(name, str) and name in FORMATS


def once(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member stands there twice")
    return dict(pairs)


def no_constant(name):
    raise ValueError("%s is no number" % name)


def check_shape(manifest):
    """Members, their order and their types."""
    compared = "pages" in manifest and manifest["format"] != "hansard-manifest/1"
    incarnations = FORMATS[manifest["format"]]["incarnations"]
    approval = incarnations and "approval" in manifest
    stopped = incarnations and "notRunning" in manifest
    members(manifest, "manifest", "format pool adapter options " + ("approval " if approval else "")
            + "number kind interval files counts omitted " + ("pages " if compared else "") + "sources "
            + ("forks " if incarnations else "") + ("notRunning " if stopped else "")
            + ("acceptedGaps " if incarnations and "acceptedGaps" in manifest else "")
            + "previousManifestSha256 contentSha256")
    text(manifest["pool"], "pool")
    members(manifest["adapter"], "adapter", "name type profile version engine stylesheetSha256")
    for name, value in manifest["adapter"].items():
        (digest if name == "stylesheetSha256" else text)(value, "adapter.%s" % name)
    require(isinstance(manifest["options"], dict), "options")
    require(all(not isinstance(value, (dict, list)) for value in manifest["options"].values()), "options")
    if approval:
        require(manifest["approval"] == "one-person", "approval")
    count(manifest["number"], "number", 1)
    require(manifest["kind"] in ("interval", "addendum"), "kind")
    members(manifest["interval"], "interval", "start end startMs endMs")
    for end in ("start", "end"):
        require(isinstance(manifest["interval"][end], str), "interval.%s" % end)
        count(manifest["interval"][end + "Ms"], "interval.%sMs" % end)
    array(manifest["files"], "files")
    for file in manifest["files"]:
        members(file, "files", "name role size sha256 events")
        text(file["name"], "files.name")
        require(re.fullmatch(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*", file["name"]), "files.name")
        require(file["role"] in FORMATS[manifest["format"]]["roles"], "files.role")
        count(file["size"], "files.size")
        digest(file["sha256"], "files.sha256")
        count(file["events"], "files.events")
    kinds = FORMATS[manifest["format"]]["kinds"]
    members(manifest["counts"], "counts", " ".join(kinds) + " total")
    for kind, number in manifest["counts"].items():
        count(number, "counts.%s" % kind)
    require(isinstance(manifest["omitted"], dict), "omitted")
    require(list(manifest["omitted"]) == [kind for kind in kinds if kind in manifest["omitted"]], "omitted")
    for kind, number in manifest["omitted"].items():
        count(number, "omitted.%s" % kind, 1)
    check_pages(manifest.get("pages", []), kinds)
    array(manifest["sources"], "sources")
    named = "source epoch incarnation " if incarnations else "source epoch "
    for part in manifest["sources"]:
        if manifest["kind"] == "interval":
            members(part, "sources", named + "state first last count headBefore head quarantined")
            require(part["state"] in STATES, "sources.state")
            for name in ("first", "last"):
                count(part[name], "sources.%s" % name)
            for name in ("headBefore", "head"):
                digest(part[name], "sources.%s" % name)
        else:
            members(part, "sources", named + "seqs count quarantined")
            array(part["seqs"], "sources.seqs")
            require(part["seqs"], "sources.seqs")
            for seqs in part["seqs"]:
                require(isinstance(seqs, list) and len(seqs) == 2, "sources.seqs")
                for seq in seqs:
                    count(seq, "sources.seqs", 1)
        check_name(part, "sources")
        count(part["count"], "sources.count")
        array(part["quarantined"], "sources.quarantined")
        for seq in part["quarantined"]:
            count(seq, "sources.quarantined", 1)
    if incarnations:
        array(manifest["forks"], "forks")
        for fork in manifest["forks"]:
            members(fork, "forks", "source epoch incarnation seq leaf events")
            check_name(fork, "forks")
            count(fork["seq"], "forks.seq", 1)
            if fork["leaf"] is not None:
                digest(fork["leaf"], "forks.leaf")
            count(fork["events"], "forks.events")
    if stopped:
        array(manifest["notRunning"], "notRunning")
        require(manifest["notRunning"], "notRunning")
        for one in manifest["notRunning"]:
            members(one, "notRunning", "from to lastSigns")
            moment(one["from"], "notRunning.from")
            moment(one["to"], "notRunning.to")
            array(one["lastSigns"], "notRunning.lastSigns")
            for sign in one["lastSigns"]:
                members(sign, "notRunning.lastSigns", "source epoch incarnation at")
                check_name(sign, "notRunning.lastSigns")
                moment(sign["at"], "notRunning.lastSigns.at")
    if "acceptedGaps" in manifest:
        check_gaps(manifest["acceptedGaps"])
    if manifest["previousManifestSha256"] is not None:
        digest(manifest["previousManifestSha256"], "previousManifestSha256")


def moment(value, name):
    require(isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z", value), name)
    try:
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        require(False, name)


def check_gaps(gaps):
    array(gaps, "acceptedGaps")
    require(gaps, "acceptedGaps")
    for gap in gaps:
        members(gap, "acceptedGaps", "source epoch incarnation from to head headAfter acceptedBy at reason")
        check_name(gap, "acceptedGaps")
        count(gap["from"], "acceptedGaps.from", 1)
        count(gap["to"], "acceptedGaps.to", 1)
        for name in ("head", "headAfter"):
            if gap[name] is not None:
                digest(gap[name], "acceptedGaps.%s" % name)
        array(gap["acceptedBy"], "acceptedGaps.acceptedBy")
        require(len(gap["acceptedBy"]) == 2, "acceptedGaps.acceptedBy")
        for person in gap["acceptedBy"]:
            text(person, "acceptedGaps.acceptedBy")
        text(gap["at"], "acceptedGaps.at")
        require(moment_of(gap["at"]), "acceptedGaps.at")
        text(gap["reason"], "acceptedGaps.reason")


def check_pages(pages, kinds):
    array(pages, "pages")
    for page in pages:
        members(page, "pages", "file shown leftOut problems")
        text(page["file"], "pages.file")
        require(isinstance(page["shown"], dict), "pages.shown")
        require(list(page["shown"]) == [kind for kind in kinds if kind in page["shown"]], "pages.shown")
        for number in page["shown"].values():
            count(number, "pages.shown", 1)
        array(page["leftOut"], "pages.leftOut")
        for left in page["leftOut"]:
            members(left, "pages.leftOut", "kind reason events")
            require(left["kind"] in kinds and left["reason"] in REASONS, "pages.leftOut")
            count(left["events"], "pages.leftOut.events", 1)
        array(page["problems"], "pages.problems")
        require(all(problem in PROBLEMS for problem in page["problems"]), "pages.problems")


def check_name(part, name):
    text(part["source"], name + ".source")
    count(part["epoch"], name + ".epoch", 1)
    if "incarnation" in part:
        require(isinstance(part["incarnation"], str), name + ".incarnation")
        require(re.fullmatch("([0-9a-f]{32})?", part["incarnation"]), name + ".incarnation")


def require(condition, name):
    if not condition:
        raise Altered("%s is not what a manifest has there" % name)


def members(value, name, names):
    require(isinstance(value, dict) and list(value) == names.split(), name)


def array(value, name):
    require(isinstance(value, list), name)


def text(value, name):
    require(isinstance(value, str) and value != "" and not re.search("[\ud800-\udfff]", value), name)


def digest(value, name):
    require(isinstance(value, str) and HASH.fullmatch(value), name)


def count(value, name, least=0):
    require(type(value) is int and least <= value <= 2**53 - 1, name)


def gaps_of(manifest, part):
    """The accepted gaps of a source in an export."""
    return [gap for gap in manifest.get("acceptedGaps", []) if name_of(gap) == name_of(part)]


def ranges_of(manifest, part):
    """The numbers of a source in the chain file: accepted gaps have no lines."""
    if "seqs" in part:
        return part["seqs"]
    ranges = [] if part["first"] == 0 else [[part["first"], part["last"]]]
    for gap in gaps_of(manifest, part):
        pieces = [piece for start, end in ranges
                  for piece in ([start, min(end, gap["from"] - 1)], [max(start, gap["to"] + 1), end])]
        ranges = [piece for piece in pieces if piece[0] <= piece[1]]
    return ranges


def size_of(ranges):
    return sum(end - start + 1 for start, end in ranges)


def incarnation_of(part):
    return part.get("incarnation", "")


def name_of(part):
    name = "%s/%d" % (part["source"], part["epoch"])
    return name if incarnation_of(part) == "" else "%s/%s" % (name, incarnation_of(part))


def contradictions(manifest):
    """What a manifest says of itself that cannot all be true."""
    interval, counts, sources = manifest["interval"], manifest["counts"], manifest["sources"]
    if (iso(interval["startMs"]), iso(interval["endMs"])) != (interval["start"], interval["end"]):
        yield "the interval in words is not the one in numbers"
    if interval["startMs"] >= interval["endMs"]:
        yield "the interval ends before it starts"
    if (manifest["number"] == 1) != (manifest["previousManifestSha256"] is None):
        yield "only export 1 has no manifest before it"
    chains = [file for file in manifest["files"] if file["role"] == "chain"]
    if len(chains) != 1:
        yield "it does not list one chain file"
    if len({file["name"] for file in manifest["files"]}) != len(manifest["files"]):
        yield "it lists a file twice"

    total = counts["total"]
    if sum(number for kind, number in counts.items() if kind != "total") != total:
        yield "the kinds do not add up to the total of %d events" % total
    if sum(part["count"] for part in sources) != total:
        yield "the sources have %d events, the total is %d" % (sum(part["count"] for part in sources), total)
    for kind, left in manifest["omitted"].items():
        if left > counts[kind]:
            yield "it leaves out %d of %d events of kind %s" % (left, counts[kind], kind)
    shown = total - sum(manifest["omitted"].values())
    in_documents = sum(file["events"] for file in manifest["files"] if file["role"] == "document")
    if in_documents != shown:
        yield "its documents hold %d events, %d are to be shown" % (in_documents, shown)
    transfers = 0
    if manifest["options"].get("createFileAttachmentsManifest") is True:
        transfers = sum(counts[kind] - manifest["omitted"].get(kind, 0) for kind in ("file-upload", "file-download"))
    listed = sum(file["events"] for file in manifest["files"] if file["role"] == "attachments")
    if listed != transfers:
        yield "its attachments files list %d transfers, %d are to be listed" % (listed, transfers)
    numbers = sum(size_of(ranges_of(manifest, part)) for part in sources)
    if chains and chains[0]["events"] != numbers:
        yield "its chain file has %d lines, its sources %d numbers" % (chains[0]["events"], numbers)

    yield from contradictions_of_pages(manifest)
    yield from contradictions_of_gaps(manifest)

    stopped, before = manifest.get("notRunning", []), interval["start"]
    if manifest["kind"] == "addendum" and stopped:
        yield "an addendum does not say when nothing was running"
    for one in stopped:
        if one["from"] < before or one["to"] <= one["from"] or one["to"] > interval["end"]:
            yield "it was not running from %s to %s, out of its order" % (one["from"], one["to"])
        early = next((sign for sign in one["lastSigns"] if sign["at"] > one["from"]), None)
        if early:
            yield "%s gave a sign of life while nothing was running" % name_of(early)
        before = one["to"]

    for part in sources:
        for why in contradictions_of_source(manifest, part):
            yield "%s: %s" % (name_of(part), why)
    for listed in (sources, manifest.get("forks", [])):
        place = None
        for part in listed:
            before, place = place, (part["source"].encode("utf-16-be"), part["epoch"], incarnation_of(part))
            if before is not None and before >= place:
                yield "%s is not listed in its place" % name_of(part)


def contradictions_of_pages(manifest):
    documents = [file for file in manifest["files"] if file["role"] == "document"]
    names, place, told = [file["name"] for file in documents], -1, {}
    for page in manifest.get("pages", []):
        at = names.index(page["file"]) if page["file"] in names else -1
        if at <= place:
            yield "its pages name %s, which is not listed there" % page["file"]
        place = at
        if not page["leftOut"] and not page["problems"]:
            yield "its pages name %s, which shows everything" % page["file"]
        parts = list(page["shown"].items()) + [(left["kind"], left["events"]) for left in page["leftOut"]]
        for kind, number in parts:
            told[kind] = told.get(kind, 0) + number
        events = sum(number for _, number in parts)
        if at >= 0 and events != documents[at]["events"]:
            yield "its pages tell of %d events in %s, which has %d" % (events, page["file"], documents[at]["events"])
    for kind in KINDS:
        due = manifest["counts"].get(kind, 0) - manifest["omitted"].get(kind, 0)
        if kind in told and told[kind] > due:
            yield "its pages tell of %d events of kind %s, %d are to be shown" % (told[kind], kind, due)


def describe_page(page):
    left = ["%d %s (%s)" % (one["events"], one["kind"], one["reason"]) for one in page["leftOut"]]
    return "; ".join((["does not show " + ", ".join(left)] if left else []) + page["problems"])


def settings_of(manifest):
    """What made the documents, and how many people it takes to change that."""
    adapter, settings = manifest["adapter"], {}
    for name in ("type", "profile", "version", "engine"):
        settings[name] = adapter[name]
    settings["stylesheet"] = adapter["stylesheetSha256"]
    for name, value in manifest["options"].items():
        settings[name] = json.dumps(value, ensure_ascii=False)
    settings["approval"] = manifest.get("approval", "two-people")
    return settings


def setting_changes(number, before, after):
    names = list(before) + [name for name in after if name not in before]
    pairs = [(name, before.get(name, "none"), after.get(name, "none")) for name in names]
    return [{"export": number, "what": name, "before": was, "after": now} for name, was, now in pairs if was != now]


def contradictions_of_gaps(manifest):
    gaps = manifest.get("acceptedGaps", [])
    parts = {name_of(part): part for part in reversed(manifest["sources"])}
    for index, gap in enumerate(gaps):
        name = name_of(gap)
        gone = "%s: the gap from %d to %d" % (name, gap["from"], gap["to"])
        after = gaps[index + 1] if index + 1 < len(gaps) else None
        adjoins = after is not None and after["from"] == gap["to"] + 1 and name_of(after) == name
        if gap["to"] < gap["from"]:
            yield "%s ends before it begins" % gone
        if gap["acceptedBy"][0] == gap["acceptedBy"][1]:
            yield "%s was accepted by one person" % gone
        heads = sum(gap[head] is not None for head in ("head", "headAfter"))
        if heads > 1 or (heads == 0 and not adjoins):
            yield "%s does not have one of two heads" % gone
        if index > 0 and not follows(gaps[index - 1], gap):
            yield "%s is not listed in its place" % gone
        part = parts.get(name)
        ends = part is not None and "first" in part and part["last"] == gap["to"]
        if part is None or not is_in(gap, part, adjoins) or (ends and part["head"] != gap["head"]):
            yield "%s is not of this export" % gone


def follows(before, gap):
    def place(one):
        return one["source"].encode("utf-16-be"), one["epoch"], incarnation_of(one)
    return before["to"] < gap["from"] if place(before) == place(gap) else place(before) < place(gap)


def is_in(gap, part, adjoins):
    if "first" in part:
        return part["first"] > 0 and part["first"] <= gap["from"] and gap["to"] <= part["last"]
    begins = adjoins or any(start == gap["to"] + 1 for start, _ in part["seqs"])
    return begins and not any(start <= gap["to"] and end >= gap["from"] for start, end in part["seqs"])


def contradictions_of_source(manifest, part):
    if "first" in part:
        if part["first"] > part["last"]:
            yield "its numbers run from %d to %d" % (part["first"], part["last"])
        if part["first"] == 0 and part["head"] != part["headBefore"]:
            yield "its chain moved without a number"
    ranges, end = ranges_of(manifest, part), 0
    for start, stop in ranges:
        if start <= end or stop < start:
            yield "its numbers are not in order"
        end = stop
    index = before = 0
    for seq in part["quarantined"]:
        while index < len(ranges) and ranges[index][1] < seq:
            index += 1
        if seq <= before or index == len(ranges) or seq < ranges[index][0]:
            yield "number %d in quarantine is out of order or not of this export" % seq
            break
        before = seq
    if size_of(ranges) != part["count"] + len(part["quarantined"]):
        yield "it has %d numbers, of which %d are events and %d in quarantine" % (
            size_of(ranges), part["count"], len(part["quarantined"]))


def moment_of(at):
    """Whether it is a moment as manifests write one."""
    try:
        datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return False
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", at)


def iso(ms):
    try:
        moment = datetime.fromtimestamp(ms // 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)


# ------------------------------------------------------------------------------------------------------ the chains


class Walk:
    """The chain of one source, followed through the exports in the order of their numbers."""

    def __init__(self, part, known_gaps):
        self.name = name_of(part)
        self.source, self.epoch, self.incarnation = part["source"], part["epoch"], incarnation_of(part)
        self.last, self.head = 0, genesis(self.source, self.epoch, self.incarnation)
        self.anchor = 0         # the chain was taken up after this number, on the first interval's word
        self.holes = []         # numbers an addendum may still bring: [from, to, head before, head after, {seq: line}]
        self.ahead = {}         # numbers an addendum brought before their predecessors
        self.waiting = {}       # numbers in quarantine: (export, head before, leaf, head), the last three if known
        self.alive_in = None
        self.known_gaps = known_gaps    # accepted gaps that the manifests of the series name
        self.gaps = []          # those that were passed: {gap, export, head before, lines that arrived, line after}
        self.early = {}         # numbers of gaps that an addendum brought before the gap was passed
        self.gaps_ahead = []    # gaps before late numbers, until what comes before them is here

    def meet(self, before, head, may_anchor, report):
        """An interval says that the chain stands at `head` after number `before`."""
        self.take_ahead(report)
        if before > self.last:
            if may_anchor:
                self.anchor = before
            else:
                lines = {seq: line for seq, line in self.ahead.items() if seq <= before}
                self.holes.append([self.last + 1, before, self.head, head, lines])
            self.ahead = {seq: line for seq, line in self.ahead.items() if seq > before}
            self.gaps_ahead = []
        elif before < self.last:
            report("chain-twice", before + 1, "number %d is in an earlier export already" % (before + 1))
        elif head != self.head:
            report("chain-head", before, "the chain does not begin with the name of its source" if before == 0
                   else "the chain broke at or before %d" % before)
        self.last, self.head = before, head

    def advance(self, line, report):
        seq, leaf, recorded, export = line
        passed = self.gaps[-1] if self.gaps else None
        if passed and passed["next"] is None and passed["gap"]["to"] == seq - 1:
            after = passed["gap"]["headAfter"]
            if after is None:
                self.head = self.after(passed["gap"]["head"] or self.head, line)
            else:
                # The head at the end of the gap is not known: the chain goes on from the one after it.
                self.head = after if recorded is None else recorded
                if recorded is not None:
                    self.waiting[seq] = (export, None, None, None)
            passed["next"] = (leaf, self.head)
            self.prove(passed, report)
        else:
            self.head = self.after(self.head, line)
        self.last = seq

    def pass_gap(self, gap, export, report):
        """Numbers that were accepted as a gap. What arrived of them is in an addendum."""
        start, end = gap["from"], gap["to"]
        if start <= self.last:
            return report("chain-twice", start, "number %d was accepted as a gap, and is in an earlier export" % start)
        if start > self.last + 1:
            return self.gaps_ahead.append((gap, export))
        before = self.gaps[-1]["gap"] if self.gaps else None
        unknown = before is not None and before["to"] == start - 1 and before["head"] is None
        passed = {"gap": gap, "export": export, "before": None if unknown else self.head, "next": None,
                  "lines": {seq: line for seq, line in self.early.items() if start <= seq <= end}}
        self.gaps.append(passed)
        self.last = end
        if gap["head"] is not None:
            self.head = gap["head"]
        self.prove(passed, report)

    def prove(self, passed, report):
        """Once every number of a gap has arrived, the chain proves them."""
        gap, lines, head, after = passed["gap"], passed["lines"], passed["before"], passed["next"]
        if len(lines) <= gap["to"] - gap["from"] or head is None:
            return
        for seq in range(gap["from"], gap["to"] + 1):
            head = next_head(head, lines[seq][1])
        if gap["head"] is not None:
            proved = head == gap["head"]
        else:
            proved = after is None or next_head(head, after[0]) == after[1]
        if not proved:
            report("chain-head", gap["to"], "the hashes of numbers %d to %d, which came late, do not continue the chain" % (
                gap["from"], gap["to"]))

    def leave(self, last, head, report):
        if self.last == last and self.head != head:
            report("chain-head", last, "the hashes up to number %d do not lead to the head in the manifest" % last)
        self.last, self.head = last, head

    def late(self, line, report):
        """A number of an addendum."""
        seq, leaf, recorded, _ = line
        hole = next((hole for hole in self.holes if hole[0] <= seq <= hole[1]), None)
        in_gap = any(gap["from"] <= seq <= gap["to"] for gap in self.known_gaps)
        passed = next((one for one in self.gaps if one["gap"]["from"] <= seq <= one["gap"]["to"]), None)
        arrived = passed["lines"] if passed else self.early
        if seq in self.waiting:
            if recorded is None:
                _, before, _, head = self.waiting.pop(seq)
                if head is not None and next_head(before, leaf) != head:
                    report("chain-head", seq, "number %d came out of quarantine as another text than was accepted" % seq)
        elif hole and seq not in hole[4]:
            hole[4][seq] = line
            if len(hole[4]) > hole[1] - hole[0]:
                self.close(hole, report)
        elif in_gap and seq not in arrived:
            arrived[seq] = line
            if passed:
                self.prove(passed, report)
        elif seq > self.last and seq not in self.ahead:
            self.ahead[seq] = line
        elif seq > self.anchor or seq in self.ahead or in_gap:
            report("chain-twice", seq, "number %d is in an earlier export already" % seq)
        self.take_ahead(report)

    def close(self, hole, report):
        self.holes.remove(hole)
        start, end, head, expected, lines = hole
        for seq in range(start, end + 1):
            head = self.after(head, lines[seq])
        if head != expected:
            report("chain-head", end,
                   "the hashes of numbers %d to %d, which came late, do not continue the chain" % (start, end))

    def after(self, head, line):
        seq, leaf, recorded, export = line
        if recorded is None:
            return next_head(head, leaf)
        self.waiting[seq] = (export, head, leaf, recorded)
        return recorded

    def take_ahead(self, report):
        while True:
            listed = next((one for one in self.gaps_ahead if one[0]["from"] == self.last + 1), None)
            if listed:
                self.gaps_ahead.remove(listed)
                self.pass_gap(listed[0], listed[1], report)
            elif self.last + 1 in self.ahead:
                self.advance(self.ahead.pop(self.last + 1), report)
            else:
                return

    def finish(self, report):
        missing = [(start, end, lines) for start, end, _, _, lines in self.holes]
        if self.ahead:
            missing.append((self.last + 1, max(self.ahead), self.ahead))
        for start, end, present in missing:
            while start < end and start in present:
                start += 1
            while end > start and end in present:
                end -= 1
            numbers = "number %d is" % start if start == end else "numbers %d to %d are" % (start, end)
            report("chain-gap", start, "%s in no export" % numbers)

    def outstanding(self):
        for seq, (export, before, leaf, head) in self.waiting.items():
            altered = head is not None and next_head(before, leaf) != head
            yield {"source": self.source, "epoch": self.epoch, "incarnation": self.incarnation, "seq": seq,
                   "export": export, "altered": altered}


def accepted(walk):
    """What was accepted as missing, and how much of it has arrived since."""
    for passed in walk.gaps:
        yield dict(passed["gap"], export=passed["export"], arrived=len(passed["lines"]))


class ChainFile:
    """Holds a chain file against its manifest. The first line that is not the one that is due ends the comparison."""

    def __init__(self, manifest, walk_of, may_anchor, report, on_line):
        self.manifest, self.may_anchor, self.report, self.on_line = manifest, may_anchor, report, on_line
        self.parts = [(part, walk_of(part)) for part in manifest["sources"]]
        self.line, self.broken = 0, False
        self.entered = -1
        self.due, self.marked, self.gaps = None, [], []

    def enter(self):
        """Goes to the next source. False after the last one."""
        self.entered += 1
        if self.entered >= len(self.parts):
            return False
        part, walk = self.parts[self.entered]
        self.gaps = gaps_of(self.manifest, part)
        self.numbers = (seq for start, end in ranges_of(self.manifest, part) for seq in range(start, end + 1))
        self.due, self.marked = next(self.numbers, None), []
        if "first" in part:
            before = part["last"] if part["first"] == 0 else part["first"] - 1
            walk.meet(before, part["headBefore"], self.may_anchor, self.report_of(part))
        return True

    def leave(self, through):
        part, walk = self.parts[self.entered]
        self.pass_gaps(2**53)
        if "first" in part:
            for seq in part["quarantined"]:
                walk.waiting.setdefault(seq, (self.manifest["number"], None, None, None))
            walk.leave(part["last"], part["head"], self.report_of(part) if through else lambda *_: None)
        if through and self.marked != part["quarantined"]:
            pairs = zip_longest(self.marked, part["quarantined"], fillvalue=math.inf)
            wrong = next(min(pair) for pair in pairs if pair[0] != pair[1])
            message = "%s: manifest and chain file do not agree that number %d is in quarantine" % (name_of(part), wrong)
            self.report("chain-line", message, name_of(part), wrong)

    def pass_gaps(self, until):
        part, walk = self.parts[self.entered]
        while self.gaps and self.gaps[0]["from"] < until:
            walk.pass_gap(self.gaps.pop(0), self.manifest["number"], self.report_of(part))

    def report_of(self, part):
        return lambda what, seq, message: self.report(what, "%s: %s" % (name_of(part), message), name_of(part), seq)

    def break_off(self, message, source=None, seq=None):
        self.broken = True
        self.report("chain-line", "%s (line %d)" % (message, self.line), source, seq)

    def proceed(self):
        """Goes to the source whose number is due. False if none is."""
        while self.due is None:
            if 0 <= self.entered < len(self.parts):
                self.leave(True)
            if not self.enter():
                return False
        return True

    def take(self, raw):
        if self.broken:
            return
        self.line += 1
        if not raw.endswith(b"\n"):
            return self.break_off("the file ends within a line")
        match = LINE.fullmatch(raw[:-1].decode("latin-1"))
        if not match:
            return self.break_off("a line that is none")
        source, epoch, named, seq, leaf, recorded = match.groups()
        if (named is not None) != FORMATS[self.manifest["format"]]["incarnations"]:
            return self.break_off("a line that is none")
        incarnation = "" if named in (None, "-") else named
        found = "/".join(one for one in (source, epoch, incarnation, seq) if one)
        if not self.proceed():
            return self.break_off("%s follows the last number of the export" % found)
        part, walk = self.parts[self.entered]
        escaped = quote(part["source"], safe="!'()*~")
        if (source, int(epoch), incarnation, int(seq)) != (escaped, part["epoch"], incarnation_of(part), self.due):
            message = "%s: number %d is due, %s is there" % (name_of(part), self.due, found)
            return self.break_off(message, name_of(part), self.due)
        line = (self.due, leaf, recorded, self.manifest["number"])
        if recorded is not None:
            self.marked.append(self.due)
        self.pass_gaps(self.due)
        if self.manifest["kind"] == "interval":
            walk.advance(line, self.report_of(part))
        else:
            walk.late(line, self.report_of(part))
        self.due = next(self.numbers, None)
        # Of these fields, whatever the format of the line.
        self.on_line("\t".join([source, epoch, named or "-", seq, leaf] + (["quarantined", recorded] if recorded else [])).encode())

    def end(self, read):
        if not read:
            self.broken = True
        if not self.broken and self.proceed():
            part = self.parts[self.entered][0]
            self.break_off("%s: number %d is due, the file ends" % (name_of(part), self.due), name_of(part), self.due)
        if not self.broken:
            return
        if 0 <= self.entered < len(self.parts):
            self.leave(False)
        while self.enter():
            self.leave(False)


# ------------------------------------------------------------------------------------------------ the record series


class NotTexts(Exception):
    """The file is not texts, one a line, compressed as gzip."""


class CannotRead(Exception):
    """Somebody else's finding."""


class Texts:
    """An export of the record series: the leaf of every text, computed again, held against the chain file."""

    def __init__(self, path, manifest, report):
        self.path, self.manifest, self.report = path, manifest, report
        self.matching, self.counts = 0, {}

    def verify(self):
        chain = next((file["name"] for file in self.manifest["files"] if file["role"] == "chain"), None)
        if chain is None:
            return self.matching
        due = self.chain_lines(chain)
        try:
            for listed in self.manifest["files"]:
                if listed["role"] == "document" and not self.verify_document(listed["name"], listed["events"], due):
                    return self.matching
            missing = next(due, None)
            if missing:
                self.report(chain, "%s: the text of %s/%d is in no document" % (chain, missing["name"], missing["seq"]))
            else:
                for kind in KINDS:
                    found, said = self.counts.get(kind, 0), self.manifest["counts"].get(kind, 0)
                    if found != said:
                        self.report(chain, "its texts are %d events of kind %s, it counts %d" % (found, kind, said))
        except NotTexts as error:
            self.report(error.args[0], "%s %s" % error.args)
        except CannotRead:
            pass
        return self.matching

    def verify_document(self, file, events, due):
        lines, problem = 0, None
        for one in self.texts(file):
            lines += 1
            # After a problem only to see that the file can be decompressed to its end.
            if problem:
                continue
            line = next(due, None)
            why = self.difference(one, line) if line else "it has a text that the chain file does not have"
            if why:
                place = {"source": line["name"], "seq": line["seq"]} if line else {}
                problem = ("%s: %s (line %d)" % (file, why, lines), place)
        if lines != events:
            problem = problem or ("%s has %d texts, its manifest says %d" % (file, lines, events), {})
        if problem:
            self.report(file, problem[0], **problem[1])
            return False
        self.matching += lines
        return True

    def difference(self, one, line):
        due = "%s/%d" % (line["name"], line["seq"])
        event = event_of(one)
        found = event and "%s/%d" % (name_of(event), event["seq"])
        if found and found != due:
            return "the text of %s is due, that of %s is there" % (due, found)
        if hashlib.sha256(one).hexdigest() != line["leaf"]:
            return "the text of %s does not have the hash that its chain has" % due
        if not event:
            return "the text of %s is no event" % due
        self.counts[event["kind"]] = self.counts.get(event["kind"], 0) + 1
        return None

    def chain_lines(self, file):
        """The lines with a text. They were held against the manifest before; a line that is none ends them."""
        incarnations = FORMATS[self.manifest["format"]]["incarnations"]
        for raw in self.reading(file, lambda opened: opened.readline(LINE_MAX)):
            match = LINE.fullmatch(raw[:-1].decode("latin-1")) if raw.endswith(b"\n") else None
            if not match or (match.group(3) is not None) != incarnations:
                raise CannotRead()
            source, epoch, named, seq, leaf, recorded = match.groups()
            if recorded is None:
                part = {"source": unquote(source), "epoch": int(epoch), "incarnation": (named or "-").replace("-", "")}
                yield {"name": name_of(part), "seq": int(seq), "leaf": leaf}

    def texts(self, file):
        unpack, rest, begun = None, b"", False
        for data in self.reading(file, lambda opened: opened.read(1 << 20)):
            while data:
                unpack, begun = unpack or zlib.decompressobj(31), True
                try:
                    lines = (rest + unpack.decompress(data, 1 << 20)).split(b"\n")
                except zlib.error:
                    raise NotTexts(file, "cannot be decompressed")
                rest = lines.pop()
                if len(rest) > TEXT_MAX:
                    raise NotTexts(file, "has a line that is too long")
                yield from lines
                data = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
                if unpack.eof:
                    unpack = None
                elif not data:
                    break
        if unpack or not begun:
            raise NotTexts(file, "cannot be decompressed")
        if rest:
            raise NotTexts(file, "ends within a line")

    def reading(self, file, read):
        try:
            with open_regular(os.path.join(self.path, file)) as opened:
                while True:
                    part = read(opened)
                    if not part:
                        return
                    yield part
        except OSError:
            raise CannotRead()


def event_of(one):
    try:
        event = json.loads(one.decode("utf-8", "replace"), parse_constant=no_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    event.setdefault("incarnation", "")
    named = all(isinstance(event.get(name), str) for name in ("kind", "source", "incarnation"))
    return event if named and all(type(event.get(name)) is int for name in ("epoch", "seq")) else None


def compare_with_record(series):
    """All series seal the same intervals of the same chains: the exports of one interval have the same chain file."""
    record, pools, findings = {}, set(), []
    for one in (one for one in series if one.texts is not None):
        pools.add(one.identity and one.identity[0])
        for key, export in keyed(one):
            record.setdefault(key, []).append(export)
    for one in series:
        if one.texts is not None or not one.parts or one.identity[0] not in pools:
            continue
        compared = 0
        for key, export in keyed(one):
            # What is only in quarantine in one of them was lost here, or there, when a database was restored: both say so.
            others = [other for other in record.get(key, []) if other["quarantined"] == export["quarantined"]]
            if not others:
                continue
            compared += 1
            if all(other["chain"] != export["chain"] for other in others):
                differs = "has other numbers or hashes than the record series"
            elif all(other["counts"] != export["counts"] for other in others):
                differs = "counts other events than the record series"
            else:
                continue
            findings.append({
                "series": one.name, "what": "record-differs", "export": export["number"],
                "message": "export %d of %s %s in the same interval" % (export["number"], one.identity[1], differs)})
        one.record = {"compared": compared, "notInRecord": len(one.parts) - compared}
    return findings


def keyed(one):
    """Addenda have a number and a name of each series' own; they belong to the interval that they were sealed with."""
    addenda, before = [], None
    for export in one.parts:
        if before is not None and export["number"] != before + 1:
            addenda = []
        before = export["number"]
        if export["kind"] == "addendum":
            addenda.append(export)
            continue
        interval = (one.identity[0], export["incarnations"], export["window"])
        for addendum in addenda:
            yield interval + (addendum["window"],), addendum
        addenda = []
        yield interval, export


# ------------------------------------------------------------------------------------------------------ the series


class Series:
    """All exports in one directory."""

    def __init__(self, path, name, files):
        self.path, self.name, self.files = path, name, files
        self.findings, self.unreadable, self.because = [], [], []
        self.unlisted = {file for file in files if STEM.match(file)}
        self.unreliable = set()
        self.walks, self.gaps = {}, {}
        self.blind = self.seen_interval = False
        self.identity = self.first = self.previous = self.tiled_to = self.start = self.end = None
        self.exports = self.documents = self.events = self.not_compared = 0
        self.sealed_incomplete = []
        self.texts = self.record = None
        self.not_running = []
        self.parts = []         # per export: what it is compared by with the record series
        self.changes, self.by_one, self.settings = [], 0, None
        self.tree = Tree()
        self.seen = []          # per export: (number, SHA-256, start and end of an interval, tree size and root)

    def broken(self, what, message, **place):
        self.findings.append({"series": self.name, "what": what, **clean(place), "message": message})

    def cannot_read(self, message, **place):
        self.unreadable.append({"series": self.name, **clean(place), "message": message})

    def incomplete(self, what, message, **place):
        """Something is not there. If something else could not be read, it may be in that."""
        if self.blind:
            self.cannot_read(message + ", or in what could not be read", **place)
        else:
            self.broken(what, message, **place)

    def verify(self):
        for number, file, seen in self.find_manifests():
            self.verify_export(number, file, seen)
        self.report_unlisted()
        for walk in self.walks.values():
            walk.finish(lambda what, seq, message: self.incomplete(
                what, "%s: %s" % (walk.name, message), source=walk.name, seq=seq))
            if walk.anchor:
                self.because.append("the chain of %s is taken up after its number %d" % (walk.name, walk.anchor))

    def read(self, file):
        with open_regular(os.path.join(self.path, file)) as opened:
            data = opened.read()
        return data, hashlib.sha256(data).hexdigest()

    def find_manifests(self):
        found = []
        for file in sorted(name for name in self.files if name.endswith(MANIFEST)):
            self.unlisted.discard(file)
            try:
                data, seen = self.read(file)
                manifest = parse_manifest(data)
                identity = (manifest["pool"], manifest["adapter"]["name"])
                self.identity = self.identity or identity
                if identity == self.identity:
                    found.append((manifest["number"], file, seen))
                    for gap in manifest.get("acceptedGaps", []):
                        self.gaps.setdefault(name_of(gap), []).append(gap)
                    continue
                self.broken("wrong-series", "%s is of %s, %s; this directory holds %s, %s" % (
                    (file,) + identity + self.identity), file=file)
            except Altered as error:
                self.broken("manifest-altered", "%s was altered: %s" % (file, error), file=file)
            except (Unknown, OSError) as error:
                self.blind = True
                self.cannot_read("%s: %s" % (file, error), file=file)
            self.distrust(file)
        return sorted(found)

    def distrust(self, manifest):
        """What this manifest would have listed cannot be told: its files are not held against the series."""
        stem = STEM.match(manifest)
        self.unreliable.add(stem.group(1) if stem else manifest)

    def verify_export(self, number, file, seen):
        try:
            data, again = self.read(file)
            manifest = parse_manifest(data)
        except (Altered, Unknown, OSError):
            again = None
        if again != seen:
            return self.cannot_read("%s changed while it was being verified" % file, file=file)
        for why in contradictions(manifest):
            self.broken("manifest-contradiction", "%s: %s" % (file, why), export=number, file=file)
        if not self.is_next(manifest, file):
            return
        for fork in manifest.get("forks", []):
            texts = "texts in quarantine: %d" % fork["events"] if fork["events"] else "no other text has arrived"
            message = "%s: the record and the pool database differed in %s, from number %d on; %s" % (
                file, name_of(fork), fork["seq"], texts)
            self.broken("fork", message, export=number, file=file, source=name_of(fork), seq=fork["seq"])
        for listed in manifest["files"]:
            self.verify_file(manifest, listed)
        if manifest["adapter"]["profile"] == RECORD_PROFILE:
            def report(file, message, **place):
                self.broken("record-text", message, export=number, file=file, **place)
            self.texts = (self.texts or 0) + Texts(self.path, manifest, report).verify()
        self.parts.append({
            "number": number, "kind": manifest["kind"], "counts": manifest["counts"],
            "incarnations": FORMATS[manifest["format"]]["incarnations"],
            "quarantined": [
                (name_of(part), part["quarantined"]) for part in manifest["sources"] if part["quarantined"]],
            "window": (manifest["interval"]["startMs"], manifest["interval"]["endMs"]),
            "chain": next((one["sha256"] for one in manifest["files"] if one["role"] == "chain"), None)})
        if manifest["kind"] == "interval":
            self.verify_roll_of_sources(manifest, file)
            self.seen_interval = True
            self.tiled_to = (manifest["interval"]["endMs"], manifest["interval"]["end"])
            self.start = self.start or manifest["interval"]["start"]
            self.end = manifest["interval"]["end"]
        for one in manifest.get("notRunning", []):
            if self.not_running and self.not_running[-1]["to"] == one["from"]:
                self.not_running[-1]["to"] = one["to"]
            else:
                self.not_running.append(dict(one))
        self.not_compared += "pages" not in manifest
        for page in manifest.get("pages", []):
            message = "%s %s" % (page["file"], describe_page(page))
            self.sealed_incomplete.append({"export": number, "file": page["file"], "message": message})
        before, self.settings = self.settings, settings_of(manifest)
        self.changes += setting_changes(number, before, self.settings) if before else []
        self.by_one += "approval" in manifest
        self.first = self.first or number
        self.previous = (number, file, seen)
        self.exports += 1
        self.events += manifest["counts"]["total"]
        at = manifest["interval"] if manifest["kind"] == "interval" else {}
        tree = self.tree and (self.tree.size, self.tree.root())
        self.seen.append((number, seen, at.get("startMs"), at.get("endMs"), tree))

    def is_next(self, manifest, file):
        number, interval = manifest["number"], manifest["interval"]
        if self.previous is None:
            if number > 1:
                self.because.append("%s not in this directory" % (
                    "export 1 is" if number == 2 else "exports 1 to %d are" % (number - 1)))
                self.tree = None
        elif number == self.previous[0]:
            self.broken("export-twice", "%s has number %d, as %s has" % (file, number, self.previous[1]),
                        export=number, file=file)
            self.distrust(file)
            return False
        elif number > self.previous[0] + 1:
            first = self.previous[0] + 1
            self.incomplete("export-missing", "%s missing" % (
                "export %d is" % first if first == number - 1 else "exports %d to %d are" % (first, number - 1)),
                export=first)
            self.tiled_to = self.tree = None
        elif manifest["previousManifestSha256"] != self.previous[2]:
            self.broken("previous-manifest", "%s was sealed after another manifest than %s is now" % (
                file, self.previous[1]), export=number, file=file)
        if manifest["kind"] == "interval" and self.tiled_to and interval["startMs"] != self.tiled_to[0]:
            self.broken("interval-gap", "%s begins at %s, the interval before it ended at %s" % (
                file, interval["start"], self.tiled_to[1]), export=number, file=file)
        return True

    def verify_file(self, manifest, listed):
        file, place = listed["name"], {"export": manifest["number"], "file": listed["name"]}
        self.unlisted.discard(file)
        chain = None
        if listed["role"] == "chain":
            def report(what, message, source, seq):
                self.tree = None
                self.broken(what, "%s: %s" % (file, message), **place, source=source, seq=seq)
            chain = ChainFile(manifest, self.walk_of, not self.seen_interval, report,
                              lambda line: self.tree and self.tree.add(line))
        elif listed["role"] == "document":
            self.documents += 1
        total, hashed, problem = 0, hashlib.sha256(), None
        try:
            with open_regular(os.path.join(self.path, file)) as opened:
                while True:
                    part = opened.readline(LINE_MAX) if chain else opened.read(1 << 20)
                    if not part:
                        break
                    total += len(part)
                    hashed.update(part)
                    if chain:
                        chain.take(part)
        except OSError as error:
            problem = error
        if chain:
            chain.end(problem is None)
            if problem is not None:
                self.tree = None
        if isinstance(problem, FileNotFoundError):
            return self.broken("file-missing", "%s is missing" % file, **place)
        if problem is not None:
            self.blind = self.blind or chain is not None
            return self.cannot_read("%s: %s" % (file, problem), **place)
        if total != listed["size"]:
            self.broken("file-size", "%s has %d bytes, it was sealed with %d" % (file, total, listed["size"]), **place)
        elif hashed.hexdigest() != listed["sha256"]:
            self.broken("file-altered", "%s was altered: its SHA-256 is %s" % (file, hashed.hexdigest()), **place)

    def walk_of(self, part):
        key = (part["source"], part["epoch"], incarnation_of(part))
        if key not in self.walks:
            self.walks[key] = Walk(part, self.gaps.get(name_of(part), []))
        return self.walks[key]

    def verify_roll_of_sources(self, manifest, file):
        number = manifest["number"]
        for part in manifest["sources"]:
            listed = part["state"] == "alive" and part["last"] > 0
            self.walk_of(part).alive_in = number if listed else None
        for walk in self.walks.values():
            if walk.alive_in not in (None, number):
                self.incomplete("source-missing", "%s does not list %s, which was alive in export %d" % (
                    file, walk.name, walk.alive_in), export=number, file=file, source=walk.name)
                walk.alive_in = None

    def report_unlisted(self):
        orphans = {}
        for file in sorted(self.unlisted):
            stem = STEM.match(file).group(1)
            if stem in self.unreliable:
                continue
            if stem + MANIFEST in self.files:
                self.broken("file-unlisted", "%s is not listed by its manifest" % file, file=file)
            else:
                orphans[stem] = orphans.get(stem, 0) + 1
        for stem, files in orphans.items():
            self.broken("manifest-missing", "%s is missing, and %d of its files are there (if this export is being "
                        "written just now, verify again when it is sealed)" % (stem + MANIFEST, files),
                        file=stem + MANIFEST)

    def report(self):
        pool, adapter = self.identity or (None, None)
        number, file, digest_of_file = self.previous or (None, None, None)
        return {
            "series": self.name, "pool": pool, "adapter": adapter, "exports": self.exports,
            "firstExport": self.first, "lastExport": number, "from": self.start, "to": self.end,
            "documents": self.documents, "events": self.events,
            "newestManifest": {"file": file, "sha256": digest_of_file} if file else None,
            "trust": {"from": "anchor" if self.because else "beginning", "because": self.because},
            "incomplete": self.sealed_incomplete, "changes": self.changes, "approvedByOne": self.by_one,
            "pagesNotCompared": self.not_compared, "notRunning": self.not_running,
            "texts": self.texts, "record": self.record,
            "outstanding": [one for walk in self.walks.values() for one in walk.outstanding()],
            "acceptedGaps": [one for walk in self.walks.values() for one in accepted(walk)],
        }


def clean(place):
    return {name: value for name, value in place.items() if value is not None}


def open_regular(path):
    # Asked before it is opened: opening a pipe would wait for somebody to write.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("it is not a regular file")
    return open(path, "rb")


def directories_below(root, name, unreadable):
    path = root if name == "." else os.path.join(root, name)
    try:
        with os.scandir(path) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        unreadable.append({"series": name, "message": "the directory cannot be read: %s" % error})
        return
    yield path, name, {file for file, _ in found}
    for entry, is_directory in found:
        if is_directory:
            yield from directories_below(root, entry if name == "." else name + "/" + entry, unreadable)


# ------------------------------------------------------------------------------------- keys, signatures and the tree


class Tree:
    """The Merkle tree of RFC 6962: the roots of its perfect subtrees, the largest first."""

    def __init__(self):
        self.size, self.roots = 0, []

    def add(self, data):
        root, rest = hashlib.sha256(b"\0" + data).digest(), self.size
        while rest % 2:
            root, rest = hashlib.sha256(b"\1" + self.roots.pop() + root).digest(), rest // 2
        self.roots.append(root)
        self.size += 1

    def root(self):
        if not self.roots:
            return base64.b64encode(hashlib.sha256().digest()).decode()
        root = self.roots[-1]
        for left in self.roots[-2::-1]:
            root = hashlib.sha256(b"\1" + left + root).digest()
        return base64.b64encode(root).decode()


def exact_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


def key_of(text):
    """Name, hash and public key of NAME+HASH+BASE64, or None."""
    name, _, rest = text.partition("+")
    digits, _, encoded = rest.partition("+")
    data = exact_base64(encoded)
    if data is None or len(data) != 33 or data[0] != 1 or not good_name(name):
        return None
    digest_of_key = hashlib.sha256(name.encode("utf-8") + b"\n" + data).hexdigest()[:8]
    return (name, digits, data[1:]) if digits == digest_of_key else None


def good_name(name):
    return name != "" and not re.search(r"[\s+\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff]", name)


def open_note(note):
    """The text of a signed note and its signatures (name, hash of the key, signature), or None."""
    cut = note.rfind("\n\n")
    if len(note) > 1_000_000 or not note.endswith("\n") or cut == -1:
        return None
    text, lines, signatures = note[: cut + 1], note[cut + 2 : -1].split("\n"), []
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) or len(lines) > 100:
        return None
    for line in lines:
        match = re.fullmatch(r"\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})", line)
        data = match and exact_base64(match.group(2))
        if not data or len(data) < 5 or not good_name(match.group(1)):
            return None
        signatures.append((match.group(1), data[:4].hex(), data[4:]))
    return text, signatures


def signed_by(note, key):
    """Whether every signature that claims to be of this key is, and there is one. Asks openssl."""
    text, signatures = note
    claimed = [signature for name, digits, signature in signatures if (name, digits) == key[:2]]
    return bool(claimed) and all(len(one) == 64 and openssl_verifies(text.encode(), one, key[2]) for one in claimed)


ANSWERS = {}    # of openssl, by what it was asked: intervals in which nothing was said have the same checkpoint


def openssl_verifies(data, signature, public_key):
    asked = hashlib.sha256(public_key + signature + data).digest()
    if asked not in ANSWERS:
        ANSWERS[asked] = ask_openssl(data, signature, public_key)
    return ANSWERS[asked]


def ask_ahead(notes_and_keys):
    """Asks openssl about many signatures, with one process per core at a time. Each takes a few milliseconds."""
    asked = {(text.encode(), one, key[2]) for (text, signatures), key in notes_and_keys
             for name, digits, one in signatures if (name, digits) == key[:2] and len(one) == 64}
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for _ in threads.map(lambda one: openssl_verifies(*one), asked):
            pass


def ask_openssl(data, signature, public_key):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "signature", "data")]
        for path, content in zip(paths, (bytes.fromhex("302a300506032b6570032100") + public_key, signature, data)):
            with open(path, "wb") as file:
                file.write(content)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", paths[0],
             "-sigfile", paths[1], "-in", paths[2]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def succession_of(note):
    """The two keys of a succession that both have signed, or None."""
    opened = open_note(note)
    lines = opened[0].split("\n") if opened else []
    if len(lines) != 4 or lines[0] != "hansard-key-succession/1":
        return None
    old, new = key_of(lines[1]), key_of(lines[2])
    return (old, new) if old and new and signed_by(opened, old) and signed_by(opened, new) else None


def led_to(start, links):
    found = [start]
    for key in found:
        found += [new for old, new in links if old == key and new not in found]
    return found


# ---------------------------------------------------------------------------------------------- the pool manifests


class Pool:
    """The pool manifests in one directory, and the series that they name."""

    def __init__(self, path, name, files, series, asked):
        self.path, self.name, self.files, self.series = path, name, files, series
        self.pinned, self.begin, self.since = asked.key, asked.begin, asked.since
        self.anchors, self.tsa_ca = asked.anchor_files, asked.tsa_ca
        self.anchored, self.stamps = None, None
        self.findings, self.unreadable, self.found = [], [], []
        self.blind, self.trusted, self.current = False, [], []
        self.tree_of, self.unsigned = [], 0

    def broken(self, what, message, **place):
        self.findings.append({"series": self.name, "what": what, **clean(place), "message": message})

    def cannot_read(self, file, reason):
        self.unreadable.append({"series": self.name, "file": file, "message": "%s: %s" % (file, reason)})

    def read(self, file):
        """Its text, or None for bytes that are no text; and its SHA-256."""
        with open_regular(os.path.join(self.path, file)) as opened:
            data = opened.read((64 << 20) + 1)
        try:
            text = data.decode("utf-8") if len(data) <= 64 << 20 else None
        except UnicodeDecodeError:
            text = None
        return text, hashlib.sha256(data).hexdigest()

    def verify(self):
        self.find()
        self.read_keys()
        self.report_leftovers()
        ask_ahead(self.notes_and_keys())
        for index, (file, seen, manifest) in enumerate(self.found):
            self.is_next(file, manifest, self.found[index - 1] if index else None)
            self.verify_signatures(file, seen, manifest, index == len(self.found) - 1)
        if self.found:
            self.verify_series()
        if self.anchors is not None:
            self.anchored = verify_anchors(self)
        self.stamps = verify_time_stamps(self)

    def find(self):
        for file in sorted(name for name in self.files if name.endswith(".json") and POOL_NAME.fullmatch(name[:-5])):
            try:
                text, seen = self.read(file)
                manifest = parse_pool_manifest(text)
                if file != pool_name(manifest["interval"]):
                    raise Altered("its name is of another interval")
                self.found.append((file, seen, manifest))
            except Altered:
                self.broken("pool-manifest-altered", "%s was altered" % file, file=file)
            except Unknown:
                self.blind = True
                self.cannot_read(file, "its format is a later one")
            except OSError as error:
                self.blind = True
                self.cannot_read(file, error)
        self.found.sort(key=lambda one: one[2]["number"])

    def read_keys(self):
        published, links = [], []
        try:
            names = sorted(os.listdir(os.path.join(self.path, "keys")))
        except OSError:
            names = []
        for file in names:
            if not re.fullmatch(r"[0-9a-f]{8}\.(pub|succession)", file):
                continue
            try:
                text, _ = self.read("keys/" + file)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.cannot_read("keys/" + file, error)
                continue
            if text is not None and file.endswith(".pub"):
                published.append(key_of(text[:-1] if text.endswith("\n") else text))
            elif text is not None:
                links.append(succession_of(text))
        oldest = key_of(self.found[0][2]["key"]) if self.found else None
        start = self.pinned or (oldest if oldest in published else None)
        if start is None:
            return
        links = [link for link in links if link]
        self.current = led_to(start, links)
        self.trusted = self.current + led_to(start, [(new, old) for old, new in links])

    def report_leftovers(self):
        newest = self.found[-1][0] if self.found else None
        for file in sorted(self.files):
            stem, _, ending = file.rpartition(".")
            manifest = stem + ".json"
            if ending not in ("note", "checkpoint", "tsr") or not POOL_NAME.fullmatch(stem) or manifest in self.files:
                continue
            # The .json file is written after note and checkpoint, and before a time stamp.
            if newest is None or manifest <= newest or ending == "tsr":
                self.broken("pool-manifest-missing", "%s is missing, and %s is there" % (manifest, file), file=manifest)

    def is_next(self, file, manifest, previous):
        number, link = manifest["number"], manifest["previousPoolManifestSha256"]
        if previous is None:
            if self.since is None and number > self.begin:
                self.missing(file, self.begin, number - 1)
            if self.since is not None and number > 1 and manifest["interval"]["startMs"] > self.since:
                self.broken("range-missing", "the pool manifests begin at %s, after %s" % (
                    manifest["interval"]["start"], iso(self.since)), file=file)
            if (number == 1) != (link is None):
                self.broken("pool-manifest-chain", "%s: only number 1 has none before it" % file, file=file)
            return
        before_file, before_seen, before = previous
        if number <= before["number"]:
            return self.broken("pool-manifest-chain", "%s has number %d, as %s has" % (file, number, before_file), file=file)
        if number > before["number"] + 1:
            return self.missing(file, before["number"] + 1, number - 1)
        if link != before_seen:
            self.broken("pool-manifest-chain", "%s was made after another pool manifest than %s is now" % (
                file, before_file), file=file)
        if (manifest["pool"] != before["pool"] or manifest["interval"]["startMs"] != before["interval"]["endMs"]
                or manifest["tree"]["size"] < before["tree"]["size"]):
            self.broken("pool-manifest-chain", "%s does not continue %s" % (file, before_file), file=file)
        went_back = audit_went_back(manifest.get("audit"), before.get("audit"))
        if went_back:
            self.broken("audit-trail", "%s: %s, by %s" % (file, went_back, before_file), file=file)

    def missing(self, file, first, last):
        numbers = "pool manifest %d is" % first if first == last else "pool manifests %d to %d are" % (first, last)
        if self.blind:
            return self.cannot_read(file, "%s missing, or in what could not be read" % numbers)
        self.broken("pool-manifest-missing", "%s missing before %s" % (numbers, file), file=file)

    def verify_signatures(self, file, seen, manifest, is_newest):
        stem, key = file[:-5], key_of(manifest["key"])
        if key is None or key not in (self.current if is_newest else self.trusted):
            return self.broken("pool-signature", "%s is signed with %s, which is not a key to trust here" % (
                file, manifest["key"]), file=file)
        statement = self.signed_text(stem + ".note", key)
        if statement is not None and statement != "%s\n%s\n%s\n" % (POOL_FORMAT, file, seen):
            self.broken("pool-manifest-altered", "%s was altered: its SHA-256 is %s, and another was signed" % (
                file, seen), file=file)
        checkpoint = self.signed_text(stem + ".checkpoint", key)
        tree = manifest["tree"]
        if checkpoint is not None and checkpoint.split("\n")[:3] != [key[0], str(tree["size"]), tree["root"]]:
            self.broken("pool-tree", "%s.checkpoint is of another tree than %s" % (stem, file), file=stem + ".checkpoint")

    def notes_and_keys(self):
        for file, _, manifest in self.found:
            key = key_of(manifest["key"])
            for ending in (".note", ".checkpoint") if key in self.trusted else ():
                try:
                    text, _ = self.read(file[:-5] + ending)
                except OSError:
                    continue    # it is reported when its turn has come
                note = open_note(text) if text is not None else None
                if note:
                    yield note, key

    def signed_text(self, file, key):
        try:
            text, _ = self.read(file)
        except FileNotFoundError:
            return self.broken("pool-manifest-missing", "%s is missing" % file, file=file)
        except OSError as error:
            return self.cannot_read(file, error)
        note = open_note(text) if text is not None else None
        if note and signed_by(note, key):
            return note[0]
        return self.broken("pool-signature", "%s does not have a valid signature" % file, file=file)

    def verify_series(self):
        oldest, (file, _, newest) = self.found[0][2], self.found[-1]
        by_adapter = {}
        for one in self.series:
            if one.identity and one.identity[0] == newest["pool"]:
                by_adapter.setdefault(one.identity[1], []).append(one)
        for entry in newest["series"]:
            parts = by_adapter.pop(entry["adapter"], [])
            if entry["number"] == 0:
                continue
            self.verify_entry(entry, parts, file, newest, oldest)
            self.verify_earlier(entry["adapter"], parts)
            self.tree_of += [part.name for part in parts if self.verify_tree(part, entry["adapter"], oldest)]
        for adapter, parts in by_adapter.items():
            seen = [one for part in parts for one in part.seen]
            if any(start is not None and start < newest["interval"]["endMs"] for _, _, start, _, _ in seen):
                self.broken("series-unknown", "%s does not name the series %s, which is here" % (file, adapter))
            else:
                self.unsigned += len(seen)

    def verify_entry(self, entry, parts, file, newest, oldest):
        adapter, number = entry["adapter"], entry["number"]
        seen = [one for part in parts for one in part.seen]
        blind = any(part.unreadable for part in parts)

        def incomplete(what, message):
            if blind:
                self.unreadable.append({"series": self.name, "message": message + ", or in what could not be read"})
            else:
                self.broken(what, message)
        if not seen:
            if (entry["directory"] or "").startswith("/") and not blind:
                return self.unreadable.append({"series": self.name, "message":
                    "the series %s is in %s, outside of what is verified here" % (adapter, entry["directory"])})
            return incomplete("series-missing", "the series %s is missing: %s names its export %d" % (adapter, file, number))
        here = [digest_of for at, digest_of, _, _, _ in seen if at == number]
        if not here:
            incomplete("series-cut", "the series %s is missing its export %d, which %s names; the newest here is %d" % (
                adapter, number, file, max(one[0] for one in seen)))
        elif entry["sha256"] not in here:
            self.broken("series-altered", "export %d of %s is not the one that %s names" % (number, adapter, file),
                        export=number)
        began = next((one for one in oldest["series"] if one["adapter"] == adapter), None)
        begin = 1 if oldest["number"] == 1 or not began else began["number"] or 1
        first = min(one[0] for one in seen)
        if first > begin:
            incomplete("series-cut", "the series %s begins with export %d, not with %d" % (adapter, first, begin))
        after = [one for one in seen if one[0] > number]
        for at, _, _, end, _ in after:
            if entry["complete"] and end is not None and end <= newest["interval"]["endMs"]:
                self.broken("series-unknown", "export %d of %s should be known to %s, and is not" % (at, adapter, file),
                            export=at)
                break
        self.unsigned += len(after)

    def verify_earlier(self, adapter, parts):
        known = {}
        for number, seen, _, _, _ in (one for part in parts for one in part.seen):
            known.setdefault(number, []).append(seen)
        for file, _, manifest in self.found[:-1]:
            entry = next((one for one in manifest["series"] if one["adapter"] == adapter), None)
            if entry and entry["number"] in known and entry["sha256"] not in known[entry["number"]]:
                return self.broken("series-altered", "export %d of %s is not the one that %s names" % (
                    entry["number"], adapter, file), export=entry["number"])

    def verify_tree(self, part, adapter, oldest):
        """False for a series that cannot show the tree: only one from the first interval on has all lines."""
        first = next((start for _, _, start, _, _ in part.seen if start is not None), None)
        if oldest["number"] != 1 or first != oldest["interval"]["startMs"]:
            return False
        trees, compared = {number: tree for number, _, _, _, tree in part.seen}, False
        for file, _, manifest in self.found:
            entry = next((one for one in manifest["series"] if one["adapter"] == adapter), None)
            tree = trees.get(entry["number"]) if entry and entry["complete"] else None
            if tree is None:
                continue
            compared = True
            if tree != (manifest["tree"]["size"], manifest["tree"]["root"]):
                self.broken("pool-tree", "%s: its tree is not the one over the events of %s" % (file, part.name), file=file)
                break
        return compared

    def hashes(self):
        for file in self.files:
            if re.fullmatch(r"pool-.*\.(json|note|checkpoint)", file):
                try:
                    yield self.read(file)[1]
                except OSError:
                    pass

    def report(self):
        first, last = (self.found[0][2], self.found[-1][2]) if self.found else (None, None)
        return {
            "directory": self.name, "pool": last and last["pool"], "manifests": len(self.found),
            "first": first and first["number"], "last": last and last["number"],
            "from": first and first["interval"]["start"], "to": last and last["interval"]["end"],
            "newestManifest": last and {"file": self.found[-1][0], "sha256": self.found[-1][1]},
            "checkpoint": last and {"size": last["tree"]["size"], "root": last["tree"]["root"]},
            "trust": "pinned" if self.pinned else "embedded", "key": last and last["key"],
            "treeOf": self.tree_of, "unsignedExports": self.unsigned,
            "anchors": self.anchored, "timeStamps": self.stamps,
        }


def parse_pool_manifest(content):
    if content is None:
        raise Altered("it is no text")
    try:
        manifest = json.loads(content, object_pairs_hook=once, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Altered("it is not JSON: %s" % error)
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if isinstance(found, str) and found != POOL_FORMAT and re.fullmatch("hansard-pool-manifest/[0-9]+", found):
        raise Unknown("its format is %s" % found)
    members(manifest, "pool manifest",
            "format pool number interval series sources tree "
            + ("audit " if "audit" in manifest else "") + "key previousPoolManifestSha256")
    require(found == POOL_FORMAT, "format")
    text(manifest["pool"], "pool")
    count(manifest["number"], "number", 1)
    interval = manifest["interval"]
    members(interval, "interval", "start end startMs endMs")
    for end in ("start", "end"):
        count(interval[end + "Ms"], "interval")
        require(interval[end] == iso(interval[end + "Ms"]), "interval")
    require(interval["startMs"] < interval["endMs"], "interval")
    array(manifest["series"], "series")
    for entry in manifest["series"]:
        members(entry, "series", "adapter directory state complete number manifest sha256")
        text(entry["adapter"], "series.adapter")
        require(entry["state"] in ("active", "ended") and isinstance(entry["complete"], bool), "series.state")
        count(entry["number"], "series.number")
        for name, check in (("directory", text), ("manifest", text), ("sha256", digest)):
            if entry[name] is not None:
                check(entry[name], "series.%s" % name)
    array(manifest["sources"], "sources")
    for part in manifest["sources"]:
        members(part, "sources", "source epoch incarnation state last head")
        named = part["incarnation"]
        require(isinstance(named, str) and re.fullmatch("([0-9a-f]{32})?", named), "sources.incarnation")
        text(part["source"], "sources.source")
        count(part["epoch"], "sources.epoch", 1)
        text(part["state"], "sources.state")
        count(part["last"], "sources.last")
        digest(part["head"], "sources.head")
    members(manifest["tree"], "tree", "size root")
    count(manifest["tree"]["size"], "tree.size")
    root = manifest["tree"]["root"]
    require(isinstance(root, str) and re.fullmatch("[A-Za-z0-9+/]{43}=", root), "tree.root")
    if "audit" in manifest:
        members(manifest["audit"], "audit", "number head")
        count(manifest["audit"]["number"], "audit.number")
        digest(manifest["audit"]["head"], "audit.head")
    text(manifest["key"], "key")
    if manifest["previousPoolManifestSha256"] is not None:
        digest(manifest["previousPoolManifestSha256"], "previousPoolManifestSha256")
    require(written(manifest) == content, "the writing")
    return manifest


def audit_went_back(now, before):
    """Why the audit trail cannot be the one of the pool manifest before: records are only ever added."""
    if before is None:
        return None
    had = "had %d records" % before["number"]
    if now is None:
        return "it does not name the audit trail, which %s" % had
    if now["number"] < before["number"]:
        return "the audit trail has %d records, and %s" % (now["number"], had)
    if now["number"] == before["number"] and now["head"] != before["head"]:
        return "record %d of the audit trail was another" % now["number"]
    return None


def pool_name(interval):
    return "pool-%s_%s.json" % tuple(
        re.sub("[-:]", "", interval[end]).replace(".000", "") for end in ("start", "end"))


# ---------------------------------------------------------------------------------------- anchors and time stamps


def verify_anchors(pool):
    """Compares the pool manifests with the notes and checkpoints that an anchor has kept."""
    report, cut, rewritten = {"files": 0, "newest": None}, [], []
    path, files = pool.anchors
    # Notes first: they name their pool manifest, a checkpoint only describes its tree.
    for file in sorted((one for one in files if re.search(r"\.(note|checkpoint)\Z", one)),
                       key=lambda one: (not one.endswith(".note"), one)):
        try:
            with open_regular(os.path.join(path, file)) as opened:
                note = open_note(opened.read().decode("utf-8"))
        except UnicodeDecodeError:
            note = None
        except OSError as error:
            pool.cannot_read("anchors/" + file, error)
            continue
        name = pool.pinned[0] if pool.pinned else pool.found[-1][2]["key"].split("+")[0] if pool.found else None
        if note and name is not None and not any(one[0] == name for one in note[1]):
            continue
        report["files"] += 1
        if not note or not any(signed_by(note, key) for key in pool.trusted):
            pool.broken("anchor-signature", "%s, which the anchor has, is not signed by a key to trust here" % file, file=file)
            continue
        outcome, named = compare_anchored(pool, file, note[0].split("\n"))
        if outcome == "here":
            report["newest"] = max(report["newest"] or "", named)
        elif outcome == "cut":
            cut.append(named)
        elif outcome == "rewritten":
            rewritten.append(named)

    def tell(what, file, message):
        if pool.blind:
            pool.cannot_read(file, message + ", or in what could not be read")
        else:
            pool.broken(what, message, file=file)
    if cut:
        here = "the newest pool manifest here is " + pool.found[-1][0] if pool.found else "no pool manifest is here"
        tell("end-cut", max(cut), "the end is cut off: %s was anchored, and %s" % (max(cut), here))
    if rewritten:
        tell("history-rewritten", min(rewritten),
             "history was rewritten: %s was anchored, and what is here is another one" % min(rewritten))
    if report["files"] == 0:
        pool.cannot_read("anchors", "no note or checkpoint there is of this pool")
    return report


def compare_anchored(pool, file, lines):
    """`here`, `cut`, `rewritten`, `older` or None, and the pool manifest or the file of the anchor."""
    found = pool.found
    if lines[0] == POOL_FORMAT and len(lines) > 2:
        name = lines[1]
        for one, seen, _ in found:
            if one == name:
                return "here" if seen == lines[2] else "rewritten", name
        if not found or name > found[-1][0]:
            return "cut", name
        if name < found[0][0]:
            return "older" if found[0][2]["number"] > 1 else "rewritten", name
        # It is here, was altered, and was reported.
        return "older" if name in pool.files else "rewritten", name
    tree = checkpoint_of(lines)
    if tree is None:
        return None, file
    if not found or tree[0] > found[-1][2]["tree"]["size"]:
        return "cut", file
    for one, _, manifest in found:
        if (manifest["tree"]["size"], manifest["tree"]["root"]) == tree:
            return "here", one
    older = tree[0] < found[0][2]["tree"]["size"] and found[0][2]["number"] > 1
    return "older" if older else "rewritten", file


def checkpoint_of(lines):
    """Size and root of a checkpoint's lines, or None."""
    if len(lines) < 3 or not lines[0] or not re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]):
        return None
    root = exact_base64(lines[2])
    return (int(lines[1]), lines[2]) if root and len(root) == 32 and int(lines[1]) < 1 << 53 else None


def verify_time_stamps(pool):
    """The replies of a time-stamp authority (RFC 3161) beside the checkpoints."""
    report = {"present": 0, "verified": 0, "newest": None, "lagMsMax": None}
    for file, _, manifest in pool.found:
        stamp, checkpoint = file[:-5] + ".tsr", file[:-5] + ".checkpoint"
        if stamp not in pool.files:
            continue
        report["present"] += 1
        if pool.tsa_ca is None:
            continue
        try:
            open_regular(os.path.join(pool.path, stamp)).close()
        except OSError as error:
            pool.cannot_read(stamp, error)
            continue
        if checkpoint not in pool.files:
            continue
        at = time_stamped(os.path.join(pool.path, stamp), os.path.join(pool.path, checkpoint), pool.tsa_ca)
        if at is None:
            pool.broken("time-stamp", "%s is not a time stamp of %s by the authority that was named" % (stamp, checkpoint),
                        file=stamp)
            continue
        report["verified"] += 1
        report["newest"] = {"file": stamp, "at": iso(at)}
        lag = at - manifest["interval"]["endMs"]
        report["lagMsMax"] = lag if report["lagMsMax"] is None else max(report["lagMsMax"], lag)
    return report


def time_stamped(reply, data, ca_file):
    """The time of a reply that openssl verifies, or None. The certificate has to be valid at that time, not today."""
    shown = subprocess.run(["openssl", "ts", "-reply", "-in", reply, "-text"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    match = re.search(rb"^Time stamp: (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.(\d+))? (\d{4}) GMT$", shown.stdout, re.M)
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".encode().split()
    if shown.returncode or not match or match.group(1) not in months:
        return None
    day, hour, minute, second, year = (int(match.group(group)) for group in (2, 3, 4, 5, 7))
    at = int(datetime(year, months.index(match.group(1)) + 1, day, hour, minute, second, tzinfo=timezone.utc).timestamp())
    verified = subprocess.run(
        ["openssl", "ts", "-verify", "-in", reply, "-data", data, "-CAfile", ca_file, "-attime", str(at)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    return at * 1000 + int((match.group(6) or b"0").ljust(3, b"0")[:3]) if verified else None


# ---------------------------------------------------------------------------------------------------- the whole


def verify(asked):
    directory, key, expect = asked.directory, asked.key, asked.expect
    findings, unreadable, series, directories = [], [], [], []
    asked.anchor_files = None
    if asked.anchors is not None:
        try:
            asked.anchor_files = (asked.anchors, os.listdir(asked.anchors))
        except OSError as error:
            unreadable.append({"series": "anchors", "message": "the directory cannot be read: %s" % error})
    for path, name, files in directories_below(directory, ".", unreadable):
        if any(file.endswith(".json") and POOL_NAME.fullmatch(file[:-5]) for file in files):
            directories.append((path, name, files))
        if any(file.endswith(MANIFEST) or STEM.match(file) for file in files):
            one = Series(path, name, files)
            one.verify()
            series.append(one)
    pools, known = [], {seen for one in series for _, seen, _, _, _ in one.seen}
    for path, name, files in directories:
        if name == ".":
            unreadable.append({"series": ".", "message":
                               "this is the directory of the pool manifests: verify the one above it"})
            continue
        above = os.path.dirname(name)
        pool = Pool(path, name, files, [one for one in series if not above or one.name.startswith(above + "/")], asked)
        pool.verify()
        pools.append(pool)
        if expect is not None:
            known.update(pool.hashes())
    for one in series + pools:
        findings += one.findings
        unreadable += one.unreadable
    findings += compare_with_record(series)
    if not series and not pools and not unreadable:
        unreadable.append({"series": ".", "message": "there is no export here, so there is nothing to verify"})
    if key and series and not pools:
        findings.append({"series": ".", "what": "pool-signature",
                         "message": "no pool manifest is here, so nothing is signed"})
    if asked.anchor_files and not pools:
        findings.append({"series": ".", "what": "end-cut", "message": "no pool manifest is here, and the anchor has some"})
    findings += uncovered(pools, [one.report() for one in series], asked)
    if expect is not None and expect not in known:
        findings.append({"series": ".", "what": "end-missing",
                         "message": "no manifest or checkpoint here has the SHA-256 %s" % expect})
    reports = [one.report() for one in series]
    incomplete = any(one["incomplete"] for one in reports)
    excepted = any(missing_of(gap) for one in reports for gap in one["acceptedGaps"])
    outcome = ("broken" if findings else "unreadable" if unreadable else "incomplete" if incomplete
               else "excepted" if excepted else "good")
    codes = {"good": 0, "broken": 1, "incomplete": 1, "unreadable": 2, "excepted": 3}
    return {"directory": directory, "outcome": outcome, "exitCode": codes[outcome],
            "trust": "unsigned" if not pools else "pinned" if key else "embedded",
            "pools": [pool.report() for pool in pools], "series": reports,
            "findings": findings, "unreadable": unreadable}


def uncovered(pools, series, asked):
    """What of the time that was asked for is not here. Where pool manifests are, they say how far all series go."""
    def short(name, end):
        if asked.until is not None and (end is None or end < iso(asked.until)):
            yield {"series": name, "what": "range-missing",
                   "message": "what is here ends at %s, before %s" % (end or "no time", iso(asked.until))}
    for pool in pools:
        yield from short(pool.name, pool.found[-1][2]["interval"]["end"] if pool.found else None)
    for one in [] if pools else series:
        yield from short(one["series"], one["to"])
        # Before export 1 there was nothing.
        since = None if one["firstExport"] == 1 else asked.since
        if since is not None and (one["from"] is None or one["from"] > iso(since)):
            yield {"series": one["series"], "what": "range-missing",
                   "message": "what is here begins at %s, after %s" % (one["from"] or "no time", iso(since))}


def instant(text):
    """Milliseconds since 1970 of 2026-11-20 or 2026-11-20T23:15:00Z."""
    for layout in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return round(datetime.strptime(text, layout).replace(tzinfo=timezone.utc).timestamp() * 1000)
        except ValueError:
            pass
    raise argparse.ArgumentTypeError("%s is not a time: write it as 2026-11-20 or 2026-11-20T23:15:00Z" % text)


def missing_of(gap):
    return gap["to"] - gap["from"] + 1 - gap["arrived"]


def describe_gap(gap):
    numbers = "number %d" % gap["from"] if gap["from"] == gap["to"] else "numbers %d to %d" % (gap["from"], gap["to"])
    arrived = "; %d of them arrived since, in an addendum" % gap["arrived"] if gap["arrived"] else ""
    return "  ACCEPTED GAP: %s of %s, in export %d, accepted by %s and %s on %s because: %s%s" % (
        numbers, name_of(gap), gap["export"], gap["acceptedBy"][0], gap["acceptedBy"][1], gap["at"], gap["reason"], arrived)


def describe_exceptions(report):
    told = []
    for series in report["series"]:
        for gap in series["acceptedGaps"]:
            missing = missing_of(gap)
            line = "Complete except %s %s of %s, accepted by %s and %s on %s because: %s" % (
                "{:,}".format(missing), "number" if missing == 1 else "numbers", name_of(gap), gap["acceptedBy"][0],
                gap["acceptedBy"][1], gap["at"], gap["reason"])
            if missing and line not in told:
                told.append(line)
    return told


# Of these findings something that should be here is not; of the others something is here that was not sealed so.
MISSING = ("manifest-missing", "export-missing", "file-missing", "chain-gap", "source-missing", "pool-manifest-missing",
           "series-missing", "series-cut", "end-missing", "end-cut", "range-missing")
TRUST = {
    "pinned": "Trust: pinned key. All series are those that the holder of the key you named has signed.",
    "embedded": "Trust: embedded key, internally consistent only. Someone who can rewrite all of these files can also sign "
                "them with\na key of his own. Compare the key above with the one that you were given, or name that one "
                "with --key.",
    "unsigned": "Trust: unsigned. Someone who can rewrite all of these files can also make them agree. Compare the SHA-256 "
                "of the\nnewest manifest with one that was noted elsewhere; it vouches for everything before it.",
}


def describe(report):
    for series in report["series"]:
        if series["exports"] == 0:
            continue
        yield "%s: %s, %s" % (series["series"], series["pool"], series["adapter"])
        yield "  exports   %d to %d, %s to %s" % (
            series["firstExport"], series["lastExport"], series["from"] or "addenda", series["to"] or "only")
        yield "  contents  %d events, %d documents" % (series["events"], series["documents"])
        yield "  newest    %s" % series["newestManifest"]["file"]
        yield "            SHA-256 %s" % series["newestManifest"]["sha256"]
        if series["trust"]["from"] == "beginning":
            yield "  trust     every source was followed from its first event"
        else:
            yield "  trust     from where the series begins; what came before is not part of it (%s)" % "; ".join(
                series["trust"]["because"])
        if series["texts"] is not None:
            yield "  texts     %d %s, each with the hash that its chain has" % (
                series["texts"], "text" if series["texts"] == 1 else "texts")
        if series["record"] is not None:
            same, left = series["record"]["compared"], series["record"]["notInRecord"]
            yield "  record    the same events as the record series in %d %s%s" % (
                same, "export" if same == 1 else "exports",
                "; %d %s not in the record series" % (left, "export" if left == 1 else "exports") if left else "")
        if series["pagesNotCompared"]:
            yield "  pages     not compared with what they count in %d %s" % (
                series["pagesNotCompared"], "export" if series["pagesNotCompared"] == 1 else "exports")
        if series["approvedByOne"]:
            yield "  approval  one person may change what is exported, or has, in %d %s" % (
                series["approvedByOne"], "export" if series["approvedByOne"] == 1 else "exports")
        for one in series["changes"]:
            yield "  changed   from export %d on, %s is %s; before, it was %s" % (
                one["export"], one["what"], one["after"], one["before"])
        for one in series["notRunning"]:
            signs = ["%s at %s" % (name_of(sign), sign["at"]) for sign in one["lastSigns"]]
            yield "  NOT RUNNING from %s to %s; last signs of life: %s" % (
                one["from"], one["to"], ", ".join(signs) if signs else "none")
        for one in series["incomplete"]:
            yield "  SEALED AS INCOMPLETE: export %d: %s" % (one["export"], one["message"])
        for one in series["outstanding"]:
            yield "  NOT YET IN ANY DOCUMENT: %s/%d, in quarantine since export %d%s" % (
                name_of(one), one["seq"], one["export"],
                "; its text is not the one that was accepted" if one["altered"] else "")
        for gap in series["acceptedGaps"]:
            yield describe_gap(gap)
    for pool in report["pools"]:
        if pool["newestManifest"] is None:
            continue
        yield "%s: %s, all series" % (pool["directory"], pool["pool"])
        yield "  signed    intervals %d to %d, %s to %s" % (pool["first"], pool["last"], pool["from"], pool["to"])
        yield "  key       %s" % pool["key"]
        yield "  tree      %d lines, root %s" % (pool["checkpoint"]["size"], pool["checkpoint"]["root"])
        if pool["treeOf"]:
            yield "            computed again from %s" % ", ".join(pool["treeOf"])
        else:
            yield "            not computed again: no series here begins with the first interval"
        yield "  newest    %s" % pool["newestManifest"]["file"]
        yield "            SHA-256 %s" % pool["newestManifest"]["sha256"]
        if pool["anchors"]:
            upto = pool["anchors"]["newest"]
            yield "  anchored  %d files, %s" % (pool["anchors"]["files"], "up to " + upto if upto else "none of what is here")
        stamps = pool["timeStamps"]
        if stamps["present"] and stamps["newest"] is None:
            yield "  stamped   %d time stamps, not checked" % stamps["present"]
        elif stamps["present"]:
            yield "  stamped   %d of %d time stamps good, the newest at %s; each within %d s of the end of its interval" % (
                stamps["verified"], stamps["present"], stamps["newest"]["at"], max(0, -(-stamps["lagMsMax"] // 1000)))
        if pool["unsignedExports"]:
            yield "  NOT SIGNED YET: %d exports after the newest pool manifest" % pool["unsignedExports"]
    for finding in report["findings"]:
        label = "FORK" if finding["what"] == "fork" else "MISSING" if finding["what"] in MISSING else "MISMATCH"
        yield "%-12s%s: %s" % (label, finding["series"], finding["message"])
    for one in report["unreadable"]:
        yield "UNREADABLE  %s: %s" % (one["series"], one["message"])
    if report["outcome"] == "good":
        yield "Good: every file is as it was sealed, and every number is accounted for."
    if report["outcome"] == "excepted":
        yield from describe_exceptions(report)
    if report["outcome"] == "incomplete":
        yield "Every file is as it was sealed, and every number is accounted for; not every event can be read."
    if any(series["exports"] for series in report["series"]):
        yield from TRUST[report["trust"]].split("\n")


def printable(line):
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


def main():
    parser = argparse.ArgumentParser(description="Verifies exports: 0 good, 1 broken, 2 cannot be read, 3 complete except accepted gaps.")
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--json", action="store_true", help="one JSON object for other programs")
    parser.add_argument("--key", help="the public key to trust, NAME+HASH+BASE64, or the file of one")
    parser.add_argument("--expect", metavar="SHA256", help="of a manifest or checkpoint that must be there")
    parser.add_argument("--from", dest="begin", metavar="N", type=int, default=1,
                        help="pool manifests before this number may be absent")
    parser.add_argument("--since", metavar="TIME", type=instant,
                        help="the exports must cover all from this time on; earlier ones may be absent")
    parser.add_argument("--until", metavar="TIME", type=instant, help="the exports must cover all up to this time")
    parser.add_argument("--anchors", metavar="DIR",
                        help="what an anchor has kept: a cut-off end and rewritten history show")
    parser.add_argument("--tsa-ca", metavar="FILE", help="CA certificates of the time-stamp authority: check time stamps")
    arguments = parser.parse_args()
    if arguments.tsa_ca is not None and not os.access(arguments.tsa_ca, os.R_OK):
        parser.error("--tsa-ca %s cannot be read" % arguments.tsa_ca)
    key = None
    if arguments.key is not None:
        text_of_key = arguments.key
        if "+" not in text_of_key:
            with open(text_of_key, encoding="utf-8") as file:
                text_of_key = file.read().rstrip("\r\n")
        key = key_of(text_of_key)
        if key is None:
            parser.error("--key %s is not a verifier key, NAME+HASH+BASE64" % arguments.key)
    try:
        arguments.key = key
        report = verify(arguments)
    except FileNotFoundError as error:
        if error.filename != "openssl":
            raise
        parser.error("openssl is not installed, and signatures cannot be verified without it")
    if arguments.json:
        print(json.dumps(report))
    else:
        for line in describe(report):
            print(printable(line).encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding or "utf-8"))
    return report["exitCode"]


if __name__ == "__main__":
    sys.exit(main())
