#!/usr/bin/env python3
"""Verifies exports, without Hansard: python3 verify.py [--json] DIR

Written from manifest.md, with Python's standard library (3.8 or later) and nothing else. Looks at DIR and all
directories below it; each that holds exports is a series. Exit code 0: good. 1: broken, and it says what, or sealed
as incomplete. 2: something cannot be read, or there is nothing to verify.

"Cannot be read" and "is not what was sealed" are kept apart: a failing disk is no forgery. Memory does not grow with
the size of the files.
"""

import argparse
import hashlib
import json
import os
import re
import stat
import sys
from datetime import datetime, timezone
from urllib.parse import quote

MANIFEST = ".manifest.json"
STEM = re.compile(
    r"^([0-9]{8}T[0-9]{6}(?:\.[0-9]{3})?Z_[0-9]{8}T[0-9]{6}(?:\.[0-9]{3})?Z(?:_addendum-[1-9][0-9]*)?)[.-][^\n]"
)
HASH = re.compile(r"[0-9a-f]{64}")
LINE = re.compile(
    r"([^\t]+)\t([1-9][0-9]{0,14})\t(?:(-|[0-9a-f]{32})\t)?([1-9][0-9]{0,14})\t([0-9a-f]{64})(?:\tquarantined\t([0-9a-f]{64}))?"
)
KINDS = ["chat", "join", "part", "backchat", "file-upload", "file-download", "chat-replaced", "chat-purged", "change"]
FORMATS = {
    "hansard-manifest/1": {"kinds": KINDS[:-1], "roles": ["document", "chain"], "incarnations": False},
    "hansard-manifest/2": {"kinds": KINDS, "roles": ["document", "attachments", "chain"], "incarnations": False},
    "hansard-manifest/3": {"kinds": KINDS, "roles": ["document", "attachments", "chain"], "incarnations": True},
}
REASONS = ["missing", "in-part", "time", "sender", "repeated", "changed", "malformed"]
PROBLEMS = ["empty", "malformed", "names", "depends-on-texts"]
STATES = ["alive", "stopped", "fenced", "dead"]
LINE_MAX = 100_000


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
    written = json.dumps(members, indent=2, ensure_ascii=False) + "\n"
    if re.sub("[\ud800-\udfff]", lambda one: "\\u%04x" % ord(one[0]), written) != text:
        raise Altered("it is not written the way manifests are written")
    return members


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
    incarnations = FORMATS[manifest["format"]]["incarnations"]
    compared = "pages" in manifest and manifest["format"] != "hansard-manifest/1"
    members(manifest, "manifest", "format pool adapter options number kind interval files counts omitted %ssources %s"
            "previousManifestSha256 contentSha256" % ("pages " if compared else "", "forks " if incarnations else ""))
    text(manifest["pool"], "pool")
    members(manifest["adapter"], "adapter", "name type profile version engine stylesheetSha256")
    for name, value in manifest["adapter"].items():
        (digest if name == "stylesheetSha256" else text)(value, "adapter.%s" % name)
    require(isinstance(manifest["options"], dict), "options")
    require(all(not isinstance(value, (dict, list)) for value in manifest["options"].values()), "options")
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
    if manifest["previousManifestSha256"] is not None:
        digest(manifest["previousManifestSha256"], "previousManifestSha256")


def check_name(part, name):
    text(part["source"], name + ".source")
    count(part["epoch"], name + ".epoch", 1)
    if "incarnation" in part:
        require(isinstance(part["incarnation"], str), name + ".incarnation")
        require(re.fullmatch("([0-9a-f]{32})?", part["incarnation"]), name + ".incarnation")


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


def ranges_of(part):
    if "seqs" in part:
        return part["seqs"]
    return [] if part["first"] == 0 else [[part["first"], part["last"]]]


def size_of(part):
    return sum(end - start + 1 for start, end in ranges_of(part))


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
    numbers = sum(size_of(part) for part in sources)
    if chains and chains[0]["events"] != numbers:
        yield "its chain file has %d lines, its sources %d numbers" % (chains[0]["events"], numbers)

    yield from contradictions_of_pages(manifest)

    for part in sources:
        for why in contradictions_of_source(part):
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


def contradictions_of_source(part):
    if "first" in part:
        if part["first"] > part["last"]:
            yield "its numbers run from %d to %d" % (part["first"], part["last"])
        if part["first"] == 0 and part["head"] != part["headBefore"]:
            yield "its chain moved without a number"
    ranges, end = ranges_of(part), 0
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
    if size_of(part) != part["count"] + len(part["quarantined"]):
        yield "it has %d numbers, of which %d are events and %d in quarantine" % (
            size_of(part), part["count"], len(part["quarantined"]))


def iso(ms):
    try:
        moment = datetime.fromtimestamp(ms // 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)


# ------------------------------------------------------------------------------------------------------ the chains


class Walk:
    """The chain of one source, followed through the exports in the order of their numbers."""

    def __init__(self, part):
        self.name = name_of(part)
        self.source, self.epoch, self.incarnation = part["source"], part["epoch"], incarnation_of(part)
        self.last, self.head = 0, genesis(self.source, self.epoch, self.incarnation)
        self.anchor = 0         # the chain was taken up after this number, on the first interval's word
        self.holes = []         # numbers an addendum may still bring: [from, to, head before, head after, {seq: line}]
        self.ahead = {}         # numbers an addendum brought before their predecessors
        self.waiting = {}       # numbers in quarantine: (export, head before, leaf, head), the last three if known
        self.alive_in = None

    def meet(self, before, head, may_anchor, report):
        """An interval says that the chain stands at `head` after number `before`."""
        self.take_ahead()
        if before > self.last:
            if may_anchor:
                self.anchor = before
            else:
                lines = {seq: line for seq, line in self.ahead.items() if seq <= before}
                self.holes.append([self.last + 1, before, self.head, head, lines])
            self.ahead = {seq: line for seq, line in self.ahead.items() if seq > before}
        elif before < self.last:
            report("chain-twice", before + 1, "number %d is in an earlier export already" % (before + 1))
        elif head != self.head:
            report("chain-head", before, "the chain does not begin with the name of its source" if before == 0
                   else "the chain broke at or before %d" % before)
        self.last, self.head = before, head

    def advance(self, line):
        self.head = self.after(self.head, line)
        self.last = line[0]

    def leave(self, last, head, report):
        if self.last == last and self.head != head:
            report("chain-head", last, "the hashes up to number %d do not lead to the head in the manifest" % last)
        self.last, self.head = last, head

    def late(self, line, report):
        """A number of an addendum."""
        seq, leaf, recorded, _ = line
        hole = next((hole for hole in self.holes if hole[0] <= seq <= hole[1]), None)
        if seq in self.waiting:
            if recorded is None:
                _, before, _, head = self.waiting.pop(seq)
                if head is not None and next_head(before, leaf) != head:
                    report("chain-head", seq, "number %d came out of quarantine as another text than was accepted" % seq)
        elif hole and seq not in hole[4]:
            hole[4][seq] = line
            if len(hole[4]) > hole[1] - hole[0]:
                self.close(hole, report)
        elif seq > self.last and seq not in self.ahead:
            self.ahead[seq] = line
        elif seq > self.anchor or seq in self.ahead:
            report("chain-twice", seq, "number %d is in an earlier export already" % seq)
        self.take_ahead()

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

    def take_ahead(self):
        while self.last + 1 in self.ahead:
            self.advance(self.ahead.pop(self.last + 1))

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


class ChainFile:
    """Holds a chain file against its manifest. The first line that is not the one that is due ends the comparison."""

    def __init__(self, manifest, walk_of, may_anchor, report):
        self.manifest, self.may_anchor, self.report = manifest, may_anchor, report
        self.parts = [(part, walk_of(part)) for part in manifest["sources"]]
        self.line, self.broken = 0, False
        self.entered = -1
        self.due, self.marked = None, []

    def enter(self):
        """Goes to the next source. False after the last one."""
        self.entered += 1
        if self.entered >= len(self.parts):
            return False
        part, walk = self.parts[self.entered]
        self.numbers = (seq for start, end in ranges_of(part) for seq in range(start, end + 1))
        self.due, self.marked = next(self.numbers, None), []
        if "first" in part:
            before = part["last"] if part["first"] == 0 else part["first"] - 1
            walk.meet(before, part["headBefore"], self.may_anchor, self.report_of(part))
        return True

    def leave(self, through):
        part, walk = self.parts[self.entered]
        if "first" in part:
            for seq in part["quarantined"]:
                walk.waiting.setdefault(seq, (self.manifest["number"], None, None, None))
            walk.leave(part["last"], part["head"], self.report_of(part) if through else lambda *_: None)
        if through and self.marked != part["quarantined"]:
            wrong = min(set(self.marked).symmetric_difference(part["quarantined"]))
            message = "%s: manifest and chain file do not agree that number %d is in quarantine" % (name_of(part), wrong)
            self.report("chain-line", message, name_of(part), wrong)

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
        if self.manifest["kind"] == "interval":
            walk.advance(line)
        else:
            walk.late(line, self.report_of(part))
        self.due = next(self.numbers, None)

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


# ------------------------------------------------------------------------------------------------------ the series


class Series:
    """All exports in one directory."""

    def __init__(self, path, name, files):
        self.path, self.name, self.files = path, name, files
        self.findings, self.unreadable, self.because = [], [], []
        self.unlisted = {file for file in files if STEM.match(file)}
        self.unreliable = set()
        self.walks = {}
        self.blind = self.seen_interval = False
        self.identity = self.first = self.previous = self.tiled_to = self.start = self.end = None
        self.exports = self.documents = self.events = self.not_compared = 0
        self.sealed_incomplete = []

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
        if manifest["kind"] == "interval":
            self.verify_roll_of_sources(manifest, file)
            self.seen_interval = True
            self.tiled_to = (manifest["interval"]["endMs"], manifest["interval"]["end"])
            self.start = self.start or manifest["interval"]["start"]
            self.end = manifest["interval"]["end"]
        self.not_compared += "pages" not in manifest
        for page in manifest.get("pages", []):
            message = "%s %s" % (page["file"], describe_page(page))
            self.sealed_incomplete.append({"export": number, "file": page["file"], "message": message})
        self.first = self.first or number
        self.previous = (number, file, seen)
        self.exports += 1
        self.events += manifest["counts"]["total"]

    def is_next(self, manifest, file):
        number, interval = manifest["number"], manifest["interval"]
        if self.previous is None:
            if number > 1:
                self.because.append("%s not in this directory" % (
                    "export 1 is" if number == 2 else "exports 1 to %d are" % (number - 1)))
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
            self.tiled_to = None
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
            chain = ChainFile(manifest, self.walk_of, not self.seen_interval, lambda what, message, source, seq:
                              self.broken(what, "%s: %s" % (file, message), **place, source=source, seq=seq))
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
            self.walks[key] = Walk(part)
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
            "incomplete": self.sealed_incomplete, "pagesNotCompared": self.not_compared,
            "outstanding": [one for walk in self.walks.values() for one in walk.outstanding()],
        }


def clean(place):
    return {name: value for name, value in place.items() if value is not None}


def open_regular(path):
    # Asked before it is opened: opening a pipe would wait for somebody to write.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("it is not a regular file")
    return open(path, "rb")


def series_below(root, name, unreadable):
    path = root if name == "." else os.path.join(root, name)
    try:
        with os.scandir(path) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        unreadable.append({"series": name, "message": "the directory cannot be read: %s" % error})
        return
    files = {file for file, _ in found}
    if any(file.endswith(MANIFEST) or STEM.match(file) for file in files):
        yield Series(path, name, files)
    for entry, is_directory in found:
        if is_directory:
            yield from series_below(root, entry if name == "." else name + "/" + entry, unreadable)


def verify(directory):
    findings, unreadable, reports = [], [], []
    for series in series_below(directory, ".", unreadable):
        series.verify()
        reports.append(series.report())
        findings += series.findings
        unreadable += series.unreadable
    if not reports and not unreadable:
        unreadable.append({"series": ".", "message": "there is no export here, so there is nothing to verify"})
    incomplete = any(one["incomplete"] for one in reports)
    outcome = "broken" if findings else "unreadable" if unreadable else "incomplete" if incomplete else "good"
    codes = {"good": 0, "broken": 1, "incomplete": 1, "unreadable": 2}
    return {"directory": directory, "outcome": outcome, "exitCode": codes[outcome],
            "series": reports, "findings": findings, "unreadable": unreadable}


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
        if series["pagesNotCompared"]:
            yield "  pages     not compared with what they count in %d %s" % (
                series["pagesNotCompared"], "export" if series["pagesNotCompared"] == 1 else "exports")
        for one in series["incomplete"]:
            yield "  SEALED AS INCOMPLETE: export %d: %s" % (one["export"], one["message"])
        for one in series["outstanding"]:
            yield "  NOT YET IN ANY DOCUMENT: %s/%d, in quarantine since export %d%s" % (
                name_of(one), one["seq"], one["export"],
                "; its text is not the one that was accepted" if one["altered"] else "")
    for finding in report["findings"]:
        label = "FORK  " if finding["what"] == "fork" else "BROKEN"
        yield "%s      %s: %s" % (label, finding["series"], finding["message"])
    for one in report["unreadable"]:
        yield "UNREADABLE  %s: %s" % (one["series"], one["message"])
    if report["outcome"] == "good":
        yield "Good: every file is as it was sealed, and every number is accounted for."
    if report["outcome"] == "incomplete":
        yield "Every file is as it was sealed, and every number is accounted for; not every event can be read."
    if any(series["exports"] for series in report["series"]):
        yield "Nothing here is signed: someone who can rewrite all of these files can also make them agree. Compare the"
        yield "SHA-256 of the newest manifest with one that was noted elsewhere; it vouches for everything before it."


def printable(line):
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


def main():
    parser = argparse.ArgumentParser(description="Verifies exports: 0 good, 1 broken, 2 cannot be read.")
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--json", action="store_true", help="one JSON object for other programs")
    arguments = parser.parse_args()
    report = verify(arguments.directory)
    if arguments.json:
        print(json.dumps(report))
    else:
        for line in describe(report):
            print(printable(line).encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding or "utf-8"))
    return report["exitCode"]


if __name__ == "__main__":
    sys.exit(main())
