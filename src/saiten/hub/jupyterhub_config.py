"""JupyterHub for one course that Saiten marks: accounts and rights, servers, the marking service, formgrader.

In: settings from the environment (SAITEN_*, below). Out: JupyterHub's `c`. One file for three shapes, SAITEN_SPAWNER:
`local` (one machine, Unix users), `docker` (students in containers), `trial` (one Unix user plays all: `saiten hub`).

    jupyterhub -f jupyterhub_config.py

The course
  SAITEN_COURSE          its id, `CourseDirectory.course_id` of its nbgrader_config.py, such as faces
  SAITEN_COURSE_DIR      its folder, that of nbgrader_config.py; mode 0700, of SAITEN_ACCOUNT
  SAITEN_EXCHANGE        nbgrader's exchange; leave `Exchange.root` out of the course's nbgrader_config.py
  SAITEN_ACCOUNT         the Unix account that owns the course; the services run as it. Empty: as the hub itself
People (names with commas between, or @/a/file with one name a line; * for SAITEN_STUDENTS: whoever logs in)
  SAITEN_AUTH            pam, shared, lti or oauth: see "Who comes in"
  SAITEN_STUDENTS        students; with pam also members of the Unix group nbgrader-<course>
  SAITEN_STAFF           all who mark, assistants and instructors; with pam also the Unix group formgrade-<course>
  SAITEN_INSTRUCTORS     of them those who build, check and release; with pam also the group instructors-<course>
  SAITEN_ADMINS          administrators of the hub, which is another thing than staff of a course
Servers
  SAITEN_MEMORY          most memory of one server, such as 4G       SAITEN_CPU           most cores, such as 2
  SAITEN_IDLE_MINUTES    a server is stopped after so long (60; 0: never)
  SAITEN_GPU             1 offers the profile "GPU" beside "CPU"
  SAITEN_IMAGE           docker: the image; SAITEN_GPU_IMAGE another one for the profile "GPU"
Places
  SAITEN_BIND            what browsers reach (http://127.0.0.1:8000); put a web server with a certificate in front
  SAITEN_HUB_STATE       the hub's own folder (/srv/jupyterhub)
  SAITEN_HUB_ADDRESS     where servers reach the hub (127.0.0.1; docker: 172.17.0.1, Docker's own bridge)
  SAITEN_PORTS           four ports, of hub, proxy, marking service and formgrader (8081,8001,10101,10102)
  SAITEN_PROXY           the proxy's command (configurable-http-proxy)
  SAITEN_ANNOUNCEMENT    a line on the hub's own pages
Secrets stand in files, never in the environment, which servers could inherit.
"""

import grp
import json
import os
import pwd
import re
import shlex
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado import web

from saiten.formgrader.lab import write_lab_configuration

c: Any = get_config()  # type: ignore[name-defined]  # noqa: F821  # JupyterHub puts it there


def setting(name: str, default: str | None = None, choices: tuple[str, ...] = ()) -> str:
    """Read one setting; a sentence instead of a traceback where it is missing or wrong."""
    value = os.environ.get(f"SAITEN_{name}", "").strip() or default
    if value is None:
        raise SystemExit(f"SAITEN_{name} is not set: {__file__} says at its top what it is.")
    if choices and value not in choices:
        raise SystemExit(f"SAITEN_{name} is {value!r}, and has to be one of: {', '.join(choices)}.")
    return value


def names(name: str) -> set[str]:
    """Read names of people: with commas between, or from a file."""
    value = setting(name, "")
    if value.startswith("@"):
        value = Path(value[1:]).read_text(encoding="utf-8").replace("\n", ",")
    return {each.strip().lower() for each in value.split(",") if each.strip()}


COURSE = setting("COURSE")
COURSE_DIR, EXCHANGE = Path(setting("COURSE_DIR")), Path(setting("EXCHANGE"))
ACCOUNT = setting("ACCOUNT", "")
SHAPE = setting("SPAWNER", "local", ("local", "docker", "trial"))
LOGIN = setting("AUTH", "pam", ("pam", "shared", "lti", "oauth"))
STUDENTS, STAFF, INSTRUCTORS = names("STUDENTS"), names("STAFF") | names("INSTRUCTORS"), names("INSTRUCTORS")
STATE = Path(setting("HUB_STATE", "/srv/jupyterhub"))
ADDRESS = setting("HUB_ADDRESS", "172.17.0.1" if SHAPE == "docker" else "127.0.0.1")
try:
    HUB_PORT, PROXY_PORT, MARKING_PORT, FORMGRADER_PORT = map(int, setting("PORTS", "8081,8001,10101,10102").split(","))
except ValueError:
    raise SystemExit("SAITEN_PORTS has to be four numbers with commas between: 8081,8001,10101,10102.") from None
if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", COURSE) or COURSE in ("marking", "idle-culler"):
    raise SystemExit(f"SAITEN_COURSE is {COURSE!r}, and has to be letters, digits, '.', '_' and '-'.")
BIN = Path(sys.executable).parent

# ------------------------------------------------------------------------------------------------ the hub's own folder
# Others may walk through it to what students read; the hub's database and cookie secret lie in a folder that is closed.
PRIVATE, FOR_STUDENTS, FOR_STAFF = STATE / "private", STATE / "nbgrader" / "students", STATE / "nbgrader" / "staff"
STATE.mkdir(parents=True, exist_ok=True)
for folder, mode in ((STATE, 0o711), (PRIVATE, 0o700), (FOR_STUDENTS, 0o755), (FOR_STAFF, 0o755)):
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
FOR_STUDENTS.parent.chmod(0o755)
c.JupyterHub.db_url = f"sqlite:///{PRIVATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(PRIVATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(PRIVATE / "proxy.pid")
c.ConfigurableHTTPProxy.command = shlex.split(setting("PROXY", "configurable-http-proxy"))
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PROXY_PORT}"
c.JupyterHub.bind_url = setting("BIND", "http://127.0.0.1:8000")
c.JupyterHub.hub_bind_url = f"http://{ADDRESS}:{HUB_PORT}"
if announcement := setting("ANNOUNCEMENT", ""):
    c.JupyterHub.template_vars = {"announcement": announcement}
# Cookies and the Content Security Policy stay as JupyterHub sets them: pages of the hub are framed by nobody but
# itself, and a cookie is sent over TLS only where the request came over TLS.

# nbgrader reads these beside the course's own file (Jupyter's configuration path): course and exchange are named once,
# here. nbgrader takes the Unix user's name for the student's: where all are one Unix user, the hub's name counts.
common = f"c = get_config()\nc.CourseDirectory.course_id = {COURSE!r}\nc.Exchange.root = {str(EXCHANGE)!r}\n"
student = "" if SHAPE == "local" else 'import os\n\nc.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]\n'
# Validate gives up on a cell after 30 s, which importing PyTorch takes where a class presses it at once.
student += "c.Execute.timeout = 300\n"
if SHAPE == "docker":
    # nbgrader asks for an exchange that is writable at its root, unless it is shared by a group; a container shows none
    student += "c.CourseDirectory.groupshared = True\n"
(FOR_STUDENTS / "nbgrader_config.py").write_text(common + student, encoding="utf-8")
(FOR_STAFF / "nbgrader_config.py").write_text(common, encoding="utf-8")
# JupyterLab's menus: the pages of marks and formgrader, which a frame in Lab would leave blank
for folder in (FOR_STUDENTS, FOR_STAFF):
    write_lab_configuration(folder, COURSE, urlsplit(c.JupyterHub.bind_url).path or "/")

# -------------------------------------------------------------------------------------------- groups, roles and scopes
# Students, all staff, and of these the instructors. formgrader's own documentation has the first two names.
OF_STUDENTS, OF_STAFF, OF_INSTRUCTORS = f"nbgrader-{COURSE}", f"formgrade-{COURSE}", f"instructors-{COURSE}"
MARKING = "access:services!service=marking"
FORMGRADER = [f"access:services!service={COURSE}", "list:services", f"read:services!service={COURSE}"]
c.JupyterHub.custom_scopes = {
    "custom:saiten:assist": {"description": "See all hand-ins of the course and have them marked"},
    "custom:saiten:instruct": {
        "description": "Build, check and release exercises, and mark again",
        "subscopes": ["custom:saiten:assist"],
    },
}
c.JupyterHub.load_roles = [
    {"name": "saiten-students", "groups": [OF_STUDENTS], "scopes": ["self", MARKING]},
    {"name": "saiten-staff", "groups": [OF_STAFF], "scopes": ["self", MARKING, "custom:saiten:assist", *FORMGRADER]},
    {"name": "saiten-instructors", "groups": [OF_INSTRUCTORS], "scopes": ["custom:saiten:instruct"]},
    # The token in a person's server may say that the server is alive, and look for formgrader's address; no more. It
    # has none of a person's other rights (nbgrader's documentation says "inherit"): what an assistant opens and runs
    # in JupyterLab, students' code included, is then nobody to the marking service.
    {
        "name": "server",
        "scopes": [
            "users:activity!user",
            "access:servers!server",
            *("list:services", f"read:services!service={COURSE}"),
        ],
    },
]

# --------------------------------------------------------------------------------------------------------- who comes in
# Groups are given at every login, by `groups_of`: who is made an assistant logs out and in again.
c.Authenticator.manage_groups = True
c.Authenticator.admin_users = names("ADMINS")
# a name is a folder's name, and nbgrader parts names by '+' and '*'
c.Authenticator.username_pattern = r"[a-z0-9_][a-z0-9._@-]*"
if LOGIN != "pam":
    c.Authenticator.allow_all = "*" in STUDENTS
    c.Authenticator.allowed_users = STUDENTS - {"*"} | STAFF

LTI = "https://purl.imsglobal.org/spec/lti/claim"
LTI_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership"
"""what a person is in the course it came from; roles of the institution count for nothing here"""


def by_unix(name: str) -> set[str]:
    """PAM: the Unix groups of the same names."""
    try:
        mine = {grp.getgrgid(gid).gr_name for gid in os.getgrouplist(name, pwd.getpwnam(name).pw_gid)}
    except KeyError:
        return set()
    return mine & {OF_STUDENTS, OF_STAFF, OF_INSTRUCTORS}


def by_lti(claims: dict[str, Any]) -> set[str]:
    """LTI: the roles in the course of the learning platform that SAITEN_LTI_CONTEXT names."""
    if claims.get(f"{LTI}/context", {}).get("id") != setting("LTI_CONTEXT"):
        return set()  # the platform sends people of all its courses here
    roles = {role.rpartition("#")[2] for role in claims.get(f"{LTI}/roles", []) if role.startswith(LTI_ROLE)}
    if "TeachingAssistant" in roles:  # platforms call an assistant an instructor as well
        return {OF_STAFF}
    if "Instructor" in roles:
        return {OF_STAFF, OF_INSTRUCTORS}
    return {OF_STUDENTS} if "Learner" in roles else set()


def groups_of(name: str, claims: dict[str, Any]) -> set[str]:
    """Say which groups a person is in."""
    found = by_unix(name) if LOGIN == "pam" else by_lti(claims) if LOGIN == "lti" else set()
    if name in INSTRUCTORS or OF_INSTRUCTORS in found:
        found |= {OF_INSTRUCTORS, OF_STAFF}
    if name in STAFF:
        found.add(OF_STAFF)
    if name in STUDENTS or ("*" in STUDENTS and not found):
        found.add(OF_STUDENTS)
    return found


def at_login(authenticator: Any, handler: object, person: dict[str, Any]) -> dict[str, Any]:
    """Give a person its groups; who is in none stays outside."""
    groups = groups_of(person["name"], person.get("auth_state") or {})
    if LOGIN == "shared" and set(person.get("groups") or {OF_STUDENTS}) != groups:
        raise web.HTTPError(403, "This name needs another password.")  # a student's does not open an instructor's name
    if not groups and person["name"] not in authenticator.admin_users:
        raise web.HTTPError(403, f"{person['name']} is not in the course {COURSE}.")
    return {**person, "groups": sorted(groups)}


c.Authenticator.post_auth_hook = at_login
if LOGIN == "pam":
    # Unix users with their own passwords; the hub has to run as root (or by SudoSpawner).
    c.JupyterHub.authenticator_class = "pam"
    c.PAMAuthenticator.allowed_groups = {OF_STUDENTS, OF_STAFF, OF_INSTRUCTORS}
    c.PAMAuthenticator.allowed_users = STUDENTS - {"*"} | STAFF
elif LOGIN == "shared":
    # For a trial: one password for all students, one for assistants, one for instructors, in a file that only the hub
    # reads: SAITEN_PASSWORDS=/path, {"students": "...", "staff": "...", "instructors": "..."}, 8 characters at least.
    passwords = json.loads(Path(setting("PASSWORDS")).read_text(encoding="utf-8"))
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = passwords["students"]
    c.SharedPasswordAuthenticator.password_groups = {
        passwords["staff"]: [OF_STAFF],
        passwords["instructors"]: [OF_STAFF, OF_INSTRUCTORS],
    }
elif LOGIN == "lti":
    # A learning platform (Moodle, Canvas, ...) sends people with their roles: pip install jupyterhub-ltiauthenticator.
    # SAITEN_LTI_CONTEXT is the id of the platform's course. SAITEN_STUDENTS=* lets all come in; `at_login` turns away
    # who has no role in that course. Open the tool in a new window: the hub refuses to be framed.
    c.JupyterHub.authenticator_class = "ltiauthenticator.lti13.auth.LTI13Authenticator"
    c.LTI13Authenticator.issuer = setting("LTI_ISSUER")
    c.LTI13Authenticator.client_id = {setting("LTI_CLIENT_ID")}
    c.LTI13Authenticator.authorize_url = setting("LTI_AUTHORIZE_URL")
    c.LTI13Authenticator.jwks_endpoint = setting("LTI_JWKS_URL")
    c.LTI13Authenticator.username_key = setting("LTI_USERNAME", "email")
    c.Authenticator.allow_all, STUDENTS = True, STUDENTS - {"*"}
    setting("LTI_CONTEXT")
else:
    # A university's login (OpenID Connect, GitHub, Shibboleth by a bridge): pip install oauthenticator.
    # SAITEN_OAUTH_SECRET names a file. Names are what the claim SAITEN_OAUTH_USERNAME says.
    c.JupyterHub.authenticator_class = "generic-oauth"
    c.GenericOAuthenticator.client_id = setting("OAUTH_CLIENT_ID")
    c.GenericOAuthenticator.client_secret = Path(setting("OAUTH_SECRET")).read_text(encoding="utf-8").strip()
    c.GenericOAuthenticator.oauth_callback_url = setting("OAUTH_CALLBACK_URL")
    c.GenericOAuthenticator.authorize_url = setting("OAUTH_AUTHORIZE_URL")
    c.GenericOAuthenticator.token_url = setting("OAUTH_TOKEN_URL")
    c.GenericOAuthenticator.userdata_url = setting("OAUTH_USERDATA_URL")
    c.GenericOAuthenticator.username_claim = setting("OAUTH_USERNAME", "preferred_username")
    username = c.GenericOAuthenticator.username_claim
    # it asks for groups at each login; the lists above say them
    c.GenericOAuthenticator.auth_state_groups_key = lambda state: groups_of(state["oauth_user"][username].lower(), {})
    c.GenericOAuthenticator.scope = setting("OAUTH_SCOPE", "openid profile email").split()

# -------------------------------------------------------------------------------------------------------- their servers
IMAGE = setting("IMAGE", "saiten:latest")
PROFILES = {"cpu": "CPU", "gpu": "GPU"} if setting("GPU", "0", ("0", "1")) == "1" else {"cpu": "CPU"}
AS_ROOT = ["--allow-root"] if os.geteuid() == 0 else []
c.Spawner.default_url = "/lab"
c.Spawner.cmd = ["jupyterhub-singleuser"] if SHAPE == "docker" else [str(BIN / "jupyterhub-singleuser")]
c.Spawner.environment = {"JUPYTER_CONFIG_PATH": "/etc/saiten" if SHAPE == "docker" else str(FOR_STUDENTS)}
# A class logs in within a minute, and all their servers start at once: the last one is up long after the first.
c.Spawner.http_timeout, c.Spawner.start_timeout = 180, 180
if memory := setting("MEMORY", ""):
    c.Spawner.mem_limit = memory  # LocalProcessSpawner cannot hold anybody to it; containers are held
if cores := setting("CPU", ""):
    c.Spawner.cpu_limit = float(cores)


def apply_profile(spawner: Any, options: dict[str, Any]) -> None:
    """Give a server what its profile says; the choice comes from a browser or an API, so it is looked at."""
    profile = options.get("profile", "cpu")
    if not isinstance(profile, str) or profile not in PROFILES:
        raise web.HTTPError(400, f"There is no profile {profile!r}.")
    gpu = profile == "gpu"
    if SHAPE == "docker":
        spawner.image = setting("GPU_IMAGE", IMAGE) if gpu else IMAGE
        requests = [{"count": 1, "capabilities": [["gpu"]]}] if gpu else []
        spawner.extra_host_config = {**HARDENED, "device_requests": requests}
        # where NVIDIA's runtime is the machine's default, it shows all cards unless it is told
        spawner.environment = {**spawner.environment, "NVIDIA_VISIBLE_DEVICES": "all" if gpu else "void"}
    else:
        # on one machine this is a wish, no wall: who unsets it has the card
        hidden = {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
        kept = {name: value for name, value in spawner.environment.items() if name != "CUDA_VISIBLE_DEVICES"}
        spawner.environment = {**kept, **hidden}


c.Spawner.apply_user_options = apply_profile
c.Spawner.options_from_form = "simple"
if len(PROFILES) > 1:
    choices = "".join(f'<option value="{name}">{title}</option>' for name, title in PROFILES.items())
    c.Spawner.options_form = (
        '<label for="profile">サーバー / server</label>'
        f'<select class="form-control" id="profile" name="profile">{choices}</select>'
    )


HARDENED = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
if SHAPE == "local":
    c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
elif SHAPE == "trial":
    c.JupyterHub.spawner_class = "jupyterhub.spawner.SimpleLocalProcessSpawner"
    c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "homes" / "{username}")
    c.Spawner.args = AS_ROOT
else:
    # All containers run as one user, so the folders of the exchange cannot tell students apart. Each container is shown
    # what everybody reads, read-only, and one inbound folder of its own; the folder's name says whose hand-in it is.
    c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
    in_exchange = EXCHANGE / COURSE
    c.DockerSpawner.image = IMAGE
    c.DockerSpawner.remove = True
    c.DockerSpawner.extra_host_config = HARDENED
    c.DockerSpawner.volumes = {
        "saiten-home-{username}": "/home/jovyan",
        str(in_exchange / "inbound-of" / "{raw_username}"): str(in_exchange / "inbound"),
    }
    c.DockerSpawner.read_only_volumes = {
        str(in_exchange / "outbound"): str(in_exchange / "outbound"),
        str(in_exchange / "feedback"): str(in_exchange / "feedback"),
        str(FOR_STUDENTS): "/etc/saiten",
    }
    owner = pwd.getpwnam(ACCOUNT) if ACCOUNT else pwd.getpwuid(os.geteuid())
    if owner.pw_uid == int(setting("CONTAINER_UID", "1000")):
        raise SystemExit(
            f"{owner.pw_name} has the uid that students have in their containers ({owner.pw_uid}), so they could list "
            "and read everybody's feedback. Give the course an account with another uid: SAITEN_ACCOUNT."
        )

    def make_inbound(spawner: Any) -> None:
        """Make the folder in which this student's hand-ins arrive: who is in there may write, the course may list."""
        place = in_exchange / "inbound-of" / spawner.user.name
        for path, mode in ((place.parent, 0o711), (place, 0o3733)):
            if not path.is_dir():
                path.mkdir(parents=True)
                os.chown(path, owner.pw_uid, owner.pw_gid)
                path.chmod(mode)

    c.Spawner.pre_spawn_hook = make_inbound

# ------------------------------------------------------------------------------------------------------------- services
HOME = pwd.getpwnam(ACCOUNT).pw_dir if ACCOUNT else str(Path.home())
for_course: dict[str, Any] = {
    "cwd": str(COURSE_DIR),
    "environment": {"JUPYTER_CONFIG_PATH": str(FOR_STAFF), "HOME": HOME},
    "oauth_no_confirm": True,
    "timeout": 120,
    **({"user": ACCOUNT} if ACCOUNT else {}),
}
c.JupyterHub.services = [
    {
        **for_course,
        "name": "marking",
        "url": f"http://127.0.0.1:{MARKING_PORT}",
        "command": [str(BIN / "saiten"), "serve", "--course", str(COURSE_DIR)],
        # what a login there may carry of a person's rights: whether it is staff
        "oauth_client_allowed_scopes": ["custom:saiten:assist", "custom:saiten:instruct"],
    },
    {
        # formgrader in a Jupyter server of the course's account. No terminal: who marks needs no shell there. Its
        # kernels and files are the account's, so staff of the course have to be trusted with the course.
        **for_course,
        "name": COURSE,
        "url": f"http://127.0.0.1:{FORMGRADER_PORT}",
        "command": [
            str(BIN / "jupyterhub-singleuser"),
            *AS_ROOT * (not ACCOUNT),
            "--ServerApp.terminals_enabled=False",
            f"--ServerApp.root_dir={COURSE_DIR}",
        ],
        "environment": {**for_course["environment"], "JUPYTERHUB_USER": ACCOUNT or pwd.getpwuid(os.geteuid()).pw_name},
    },
]
if (idle := int(setting("IDLE_MINUTES", "60"))) > 0:
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    c.JupyterHub.load_roles.append({"name": "saiten-idle-culler", "services": ["idle-culler"], "scopes": scopes})
    command = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={idle * 60}"]
    c.JupyterHub.services.append({"name": "idle-culler", "command": command, "display": False})
