"""Pages that no other test looks at, found by their links. It runs last; whatever is in the table is looked at."""

import re

import table
from conftest import ADMINISTRATOR
from looks import looked_at


def addresses(visitor):
    """An address of each line to which the pages of a visitor lead."""
    found, queue = {}, ["/"]
    while queue:
        path = queue.pop(0)
        answer = visitor.context.request.get(path)
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        for link in re.findall(r'href="(/[^"#]*)', answer.text()):
            link = link.replace("&amp;", "&")
            line = table.line_of(link.split("?")[0])
            if line and line not in found and not line.endswith("/live"):
                found[line] = link
                queue.append(link)
    return found


def test_every_page_of_the_table_is_looked_at(site, visit):
    file = site.cloud.dir / "admin/console-password"
    ec2 = site.ec2(site.cloud.administrator)
    if not [it for it in ec2.describe_instances()["Reservations"]]:
        ec2.run_instances(ImageId=site.bootable(), MinCount=1, MaxCount=1)
    first = visit()
    if file.exists():
        first.sign_in("eucalyptus", file.read_text().strip())
        first.fill(password=ADMINISTRATOR, again=ADMINISTRATOR, email="root@example.com", host="127.0.0.1")
        first.send()
    else:
        first.sign_in("eucalyptus", ADMINISTRATOR)
    first.page.wait_for_selector("h2")
    found = addresses(first)
    visitors = [first, visit(language="ja", width=360, scheme="dark")]
    visitors[1].context.add_cookies(first.context.cookies())
    for line in table.not_looked_at():
        if line in found:
            for visitor in visitors:
                name = re.sub(r"[^a-z0-9]+", "-", line).strip("-")
                looked_at(visitor, f"all-{name}", found[line])
    left = [path for path in table.not_looked_at() if path not in table.SOMETIMES]
    assert left == [], "no page leads there, and nobody has looked at them"
    gone = [path for path in table.NO_PAGES if path not in table.PAGES]
    assert not gone, f"they are not in the table any more: {gone}"
