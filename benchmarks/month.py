"""A month of a team's work on a synthetic base, all of it through the command line.

The world, fixed before any result was seen:
- `tacit synth`, 20,000 accounts, 1,000,000 events, seed 601, lived to 2026-04-01; trained as of
  2026-03-02; `tacit nightly` on each day of March; 5 agents, 30 calls each on every business day.
- A customer is unhappy if truth.csv says so, and says so when asked. What it comes from is what weighs
  most in the base's own law: of late deliveries (0.95 + 0.11 a day late, at most 7), failed payments
  (1.1), slow tickets (0.2 + 0.55 ln(1 + hours/24)), price rises (0.085 a per cent), each times 0.93 a
  week since; where none weighs 0.5, unmet expectation.
- A call reaches a customer with chance 0.45. Who is not reached is tried at another hour, three times,
  then written to. Of the unhappy who are reached, 70 % agree in the end that it is resolved.
- Within 30 days of the night that drew them, 40 % of the unhappy and 4 % of the others leave; of those
  resolved, half of those who would have left stay. Whether one would be reached, would agree, would
  leave and would be kept is drawn for each account before the month, so that the true effect is known.

What must come out: what the experiment says of the effect holds the true one in its 95 % interval; the
level from the accounts drawn by lot holds the true share of the silent; the correction ranked first is
that of the cause with the most money of unhappy customers with it; nothing is lost: every call is in
the log, and `tacit queue check` finds it whole.

    make month       # writes benchmarks/results/month.md
"""

import argparse
import csv
import datetime
import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict

from harness import RESULTS, ROOT, TACIT

CAUSES = {
    "late_delivery": "late deliveries", "payment_failed": "failed payments",
    "ticket_resolved": "slow help", "price_rise": "price rises", "unmet_expectation": "unmet expectation",
}
AGENTS, CALLS = 5, 30
START, END = datetime.date(2026, 3, 2), datetime.date(2026, 3, 31)
HORIZON = 30


class World:
    """What is true of each account, drawn before the month."""

    def __init__(self, base, seed):
        self.random = random.Random(seed)
        with open(base / "truth.csv", newline="") as file:
            self.unhappy = {r["account_id"]: r["is_detractor"] == "1" for r in csv.DictReader(file)}
        with open(base / "accounts.csv", newline="") as file:
            self.value = {r["account_id"]: float(r["annual_value"]) for r in csv.DictReader(file)}
        weight = defaultdict(lambda: defaultdict(float))
        end = datetime.datetime(2026, 4, 1, tzinfo=datetime.timezone.utc)
        with open(base / "events.csv", newline="") as file:
            for r in csv.DictReader(file):
                if r["kind"] not in CAUSES or not r["value"]:
                    continue
                x = float(r["value"])
                w = {
                    "late_delivery": lambda: 0.95 + 0.11 * min(x, 7), "payment_failed": lambda: 1.1,
                    "ticket_resolved": lambda: 0.2 + 0.55 * math.log(1 + x / 24),
                    "price_rise": lambda: 0.085 * x,
                }[r["kind"]]()
                at = datetime.datetime.fromisoformat(r["at"].replace("Z", "+00:00"))
                weeks = (end - at).total_seconds() / (7 * 86_400)
                weight[r["account_id"]][r["kind"]] += w * 0.93**weeks
        self.cause, self.tries, self.agrees, self.leaves, self.kept = {}, {}, {}, {}, {}
        for account in sorted(self.unhappy):
            felt = max(((w, kind) for kind, w in weight[account].items()), default=(0, ""))
            self.cause[account] = felt[1] if felt[0] >= 0.5 else "unmet_expectation"
            self.tries[account] = [self.random.random() < 0.45 for _ in range(3)]
            self.agrees[account] = self.random.random() < 0.7
            self.leaves[account] = self.random.random() < (0.4 if self.unhappy[account] else 0.04)
            self.kept[account] = self.random.random() < 0.5

    def leaves_when_contacted(self, account):
        resolved = self.unhappy[account] and any(self.tries[account]) and self.agrees[account]
        return self.leaves[account] and not (resolved and self.kept[account])

    def worst(self):
        """The money of the unhappy, by what their displeasure comes from."""
        money = Counter()
        for account, unhappy in self.unhappy.items():
            if unhappy:
                money[self.cause[account]] += self.value[account]
        return money.most_common()


class Team:
    """Agents at the command line."""

    def __init__(self, folder, world):
        self.folder, self.world = folder, world
        self.log = Counter()
        self.waiting = defaultdict(list)  # agent: (account, tries so far, case, day, hours)
        self.after = defaultdict(list)  # agent: accounts to be asked whether it is resolved

    def tacit(self, *words, check=True):
        run = subprocess.run([TACIT, *map(str, words)], cwd=self.folder, capture_output=True, text=True)
        if check and run.returncode != 0:
            sys.exit(f"tacit {' '.join(map(str, words))}: status {run.returncode}\n{run.stderr}")
        return run

    def queue(self, what, account, *words, by, now):
        self.log[what] += 1
        return self.tacit("queue", what, account, *words, "--by", by, "--now", now)

    def day(self, date):
        for agent in ("anna", "ben", "carl", "dora", "emil"):
            self.one_day(agent, date)

    def one_day(self, agent, date):
        calls = 0
        again = self.waiting[agent]
        for account in self.after.pop(agent, []):
            self.finish(account, agent, f"{date}T16:30")
        while calls < CALLS:
            # Nine to five, a call each sixteen minutes; a second try comes at another hour than the first.
            minute = 9 * 60 + 16 * calls
            now = f"{date}T{minute // 60:02}:{minute % 60:02}"
            # Whoever was tried at other hours, two at least from this one, comes first.
            due = next((k for k, one in enumerate(again) if one[3] < date
                        and all(2 <= abs(minute // 60 - hour) for hour in one[4])), None)
            if due is not None:
                account, tries, open_case, _, hours = again.pop(due)
                if self.tacit("queue", "claim", account, "--by", agent, "--now", now, "--hours", 200,
                              check=False).returncode != 0:
                    self.log["gone"] += 1
                    continue
            else:
                run = self.tacit("queue", "claim", "--by", agent, "--now", now, "--hours", 200, "--json")
                self.log["claim"] += 1
                if not run.stdout.strip():
                    return
                open_case = json.loads(run.stdout)
                account, tries, hours = open_case["account_id"], 0, []
            calls += 1
            self.call(account, tries, open_case, agent, now, date, hours + [minute // 60])

    def call(self, account, tries, open_case, agent, now, date, hours):
        world = self.world
        if not world.tries[account][tries]:
            self.queue("act", account, "attempted", by=agent, now=now)
            if tries < 2:
                self.waiting[agent].append((account, tries + 1, open_case, date, hours))
                return
            self.queue("act", account, "messaged", by=agent, now=now)
            self.queue("close", account, "unreached", by=agent, now=now)
            return
        self.queue("act", account, "reached", by=agent, now=now)
        if open_case["form"] != "voiced":
            self.queue("step", account, "ask", "said=how it has been", by=agent, now=now)
            verdict = "detractor" if world.unhappy[account] else "non-detractor"
            self.queue("act", account, "answered", "--verdict", verdict, "--mode", "phone", by=agent, now=now)
            if not world.unhappy[account]:
                self.queue("close", account, "nothing_wrong", by=agent, now=now)
                return
        cause = world.cause[account]
        week = (datetime.date.fromisoformat(now[:10]) + datetime.timedelta(days=7)).isoformat()
        for words in (
            ("acknowledge", f"heard={CAUSES[cause]}", "apologised=yes", "said_back=yes"),
            ("engage", "happened=lately", "expected=better", "instead=this", "wanted=a good service"),
            ("correct", "options=two", "chosen=the first", f"promised={week}", f"cause={cause}"),
            ("communicate", "manner=email", "every_days=7"),
        ):
            self.queue("step", account, *words, by=agent, now=now)
        self.after[agent].append(account)

    def finish(self, account, agent, now):
        # Somebody who left in the meantime has no open case.
        if self.tacit("queue", "claim", account, "--by", agent, "--now", now, check=False).returncode != 0:
            self.log["gone"] += 1
            return
        if self.world.agrees[account]:
            self.queue("step", account, "validate", "agreed=yes", "thanked=yes", by=agent, now=now)
            self.queue("close", account, "resolved", by=agent, now=now)
        else:
            self.queue("step", account, "validate", "agreed=no", by=agent, now=now)
            self.queue("close", account, "unresolved", by=agent, now=now)


PROJECT = """
[[feedback.signal]]
kind = "cancellation"
detractor = "always"
ends = true

[practice]
causes = [CAUSES]

[experiment]
seed = "march"
starts = "2026-03-02"
horizon_days = 30
holdout = 0.15
exploration_per_business_day = 10

[[outcome]]
name = "stays"
event = "cancellation"
happens = false
horizon_days = 30
"""


def prepare(folder):
    base = folder / "month"
    shutil.rmtree(base, ignore_errors=True)
    subprocess.run([TACIT, "synth", "--accounts", "20000", "--events", "1000000", "--seed", "601", "--as-of",
                    "2026-04-01", "--out", base, "--quiet"], check=True)
    text = (base / "tacit.toml").read_text()
    head, _, _ = text.partition("[[queue]]")
    head += PROJECT.lstrip().replace("CAUSES", ", ".join(f'"{c}"' for c in CAUSES))
    head += f"""
[[queue]]
name = "calls"
capacity_per_business_day = {AGENTS * CALLS}
channel = "phone"
due_business_days = 1
close_business_days = 10
"""
    (base / "tacit.toml").write_text(head)
    return base


def leave(base, world, enrolled, night):
    """Those who leave, written as the exports of the days to come would have it."""
    with open(base / "events.csv", "a") as file:
        for account, arm in enrolled:
            contacted = arm != "holdout"
            if world.leaves_when_contacted(account) if contacted else world.leaves[account]:
                days = 12 + world.random.randrange(HORIZON - 13)
                day = night + datetime.timedelta(days=days)
                file.write(f"{account},{day}T12:00:00Z,cancellation,,web\n")


def enrolments(base):
    import sqlite3

    store = sqlite3.connect(f"file:{base / 'tacit.sqlite'}?mode=ro", uri=True)
    rows = store.execute("SELECT account, arm, as_of FROM enrolments ORDER BY account").fetchall()
    store.close()
    return {account: (arm, as_of) for account, arm, as_of in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30, help="days of March that are worked")
    a = parser.parse_args()
    folder = ROOT / "benchmarks/work"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.time()
    base = prepare(folder)
    world = World(base, 601)
    team = Team(base, world)
    team.tacit("train", "--as-of", "2026-03-02", "--quiet", "--json")
    seen = {}
    for day in range(min(a.days, (END - START).days + 1)):
        night = START + datetime.timedelta(days=day)
        team.tacit("nightly", "--as-of", night, "--json")
        new = {k: v for k, v in enrolments(base).items() if k not in seen}
        seen |= new
        leave(base, world, [(k, v[0]) for k, v in sorted(new.items())], night)
        if night.weekday() < 5:
            team.day(night)
        print(night, dict(team.log), f"{time.time() - began:.0f} s", flush=True)
    report(base, world, team, seen, a.days, began)


def report(base, world, team, seen, days, began):
    arms = Counter(arm for arm, _ in seen.values())
    pool = [k for k, (arm, _) in seen.items() if arm in ("contact", "holdout")]
    true = sum(world.leaves[k] - world.leaves_when_contacted(k) for k in pool) / max(1, len(pool))
    reading = json.loads(team.tacit("queue", "report", "--as-of", "2026-05-15", "--json").stdout)
    effect = reading["effect"][0]
    text = team.tacit("queue", "report", "--now", "2026-04-01T00:00").stdout
    whole = team.tacit("queue", "check").stdout.strip()
    lines = [f"nights {days}, calls and steps {dict(team.log)}, arms {dict(arms)}, {time.time() - began:.0f} s", whole]
    low, high = effect.get("low"), effect.get("high")
    lines.append(f"effect: {effect['state']}, {effect['difference']:+.4f} ({low:+.4f} to {high:+.4f}), true {true:+.4f}"
                 if low is not None else f"effect: {effect['state']}, true {true:+.4f}")
    trained = json.loads(team.tacit("train", "--as-of", "2026-04-01", "--quiet", "--json").stdout)
    level = trained["metrics"].get("level")
    team.tacit("score", "--as-of", "2026-04-01", "--out", "scores.csv", "--quiet")
    with open(base / "scores.csv", newline="") as file:
        silent = [r["account_id"] for r in csv.DictReader(file)]
    share = sum(world.unhappy[k] for k in silent) / len(silent)
    if level:
        rate = level["rate"]
        lines.append(f"level: {level['answers']} answers of {level['attempts']}, {rate['value']:.4f} ({rate['low']:.4f} to "
                     f"{rate['high']:.4f}), true share of the silent {share:.4f}")
    ranked = correct(team)
    worst = world.worst()
    lines.append(f"corrections, first those that help most: {ranked}")
    lines.append(f"money of the unhappy by cause: {[(c, round(m)) for c, m in worst]}")
    holds = [
        ("the interval of the effect holds the true effect", low is not None and low <= true <= high),
        ("the correction ranked first is of the worst cause", ranked[:1] == [worst[0][0]]),
        ("the log of every case is whole", "whole" in whole),
        ("answers became labels and a level", (level or {}).get("is_measured") is True
         and level["rate"]["low"] <= share <= level["rate"]["high"]),
    ]
    lines += [f"{'yes' if one else 'NO'}: {what}" for what, one in holds]
    print("\n".join(lines))
    print(text)
    if days >= 30:
        commit = subprocess.run(["git", "describe", "--always"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        (RESULTS / "month.md").write_text("\n".join([
            "# A month of work, simulated", "", f"`make month` at commit {commit}, {time.strftime('%Y-%m-%d')}.", "",
            __doc__.split("\n\n", 1)[1].split("\n\n    make month")[0], "", "```", *lines, "",
            "The report at the month's end:", "", text.rstrip(), "```", ""]))


def correct(team):
    """The lead proposes a correction for each cause that was recorded, and links what speaks for it."""
    now = ["--by", "lead", "--now", "2026-03-31T18:00"]
    accounts = defaultdict(set)
    for group in json.loads(team.tacit("corrections", "suggest", "--json", "--now", "2026-03-31T18:00").stdout):
        accounts[group["cause"]].update(one["account_id"] for one in group["impact"]["linked"])
    for number, cause in enumerate(sorted(accounts), 1):
        team.tacit("corrections", "propose", CAUSES[cause], "--cause", cause, "--owner", "lead", *now)
        team.tacit("corrections", "link", number, *sorted(accounts[cause]), *now)
    return [one["cause"] for one in json.loads(
        team.tacit("corrections", "list", "--json", "--now", "2026-03-31T18:00").stdout)]


if __name__ == "__main__":
    main()
