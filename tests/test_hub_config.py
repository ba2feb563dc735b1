"""Does the hub's one configuration file give each shape and login what it has to, and do Kubernetes' values agree?"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from docker.types import HostConfig
from tornado import web
from traitlets.config import Config

from saiten.hub.trial.place import CONFIG_FILE

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PASSWORDS = {"students": "student-pass", "staff": "staff-pass", "instructors": "instructor-pass"}
PEOPLE = {"STUDENTS": "student-001,student-002", "STAFF": "assistant", "INSTRUCTORS": "instructor"}
LTI = "https://purl.imsglobal.org/spec/lti/claim"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"


class Loaded:
    """The file, run as JupyterHub runs it."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
        for name in [name for name in os.environ if name.startswith("SAITEN_")]:
            monkeypatch.delenv(name)
        passwords = place / "passwords.json"
        passwords.write_text(json.dumps(PASSWORDS))
        known = {"COURSE": "faces", "COURSE_DIR": "/srv/faces", "EXCHANGE": "/srv/exchange", "AUTH": "shared"}
        known |= {"PASSWORDS": str(passwords), "HUB_STATE": str(place / "state"), "CONTAINER_UID": "123456"}
        for name, value in {**known, **PEOPLE, **settings}.items():
            monkeypatch.setenv(f"SAITEN_{name}", value)
        self.c = Config()
        self.names: dict[str, Any] = {"get_config": lambda: self.c, "__file__": str(CONFIG_FILE)}
        exec(compile(CONFIG_FILE.read_text(encoding="utf-8"), CONFIG_FILE, "exec"), self.names)
        self.state = place / "state"

    def groups(self, name: str, model: dict[str, Any] | None = None) -> list[str]:
        """Log somebody in, past the password."""

        class Authenticator:
            admin_users = self.c.Authenticator.admin_users

        return list(self.c.Authenticator.post_auth_hook(Authenticator, None, {"name": name, **(model or {})})["groups"])


class Spawner:
    """What the profile's hook touches of a spawner."""

    def __init__(self, config: Config) -> None:
        self.environment = dict(config.Spawner.environment)
        self.extra_host_config: dict[str, Any] = {}
        self.image = ""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the file with some settings."""
    return lambda **settings: Loaded(tmp_path, monkeypatch, **settings)


def test_the_images_file_is_the_packages_own() -> None:
    """Is there one file, whether Saiten is installed or read in its repository?"""
    assert (ROOT / "image" / "jupyterhub_config.py").read_bytes() == CONFIG_FILE.read_bytes()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"COURSE": ""}, "SAITEN_COURSE is not set"),
        ({"SPAWNER": "kubernetes"}, "one of: local, docker, trial"),
        ({"AUTH": "none"}, "one of: pam, shared, lti, oauth"),
        ({"PORTS": "8000"}, "four numbers"),
        ({"COURSE": "../faces"}, "letters, digits"),
        ({"COURSE": "marking"}, "letters, digits"),
        ({"AUTH": "lti"}, "SAITEN_LTI_ISSUER is not set"),
        ({"SPAWNER": "docker", "CONTAINER_UID": str(os.geteuid())}, "read everybody's feedback"),
    ],
)
def test_a_wrong_setting_is_one_sentence(load: Any, settings: dict[str, str], said: str) -> None:
    """Does the hub stop with what is wrong instead of a traceback?"""
    with pytest.raises(SystemExit, match=re.escape(said)):
        load(**settings)


@pytest.mark.parametrize(
    ("shape", "spawner"),
    [("local", "LocalProcessSpawner"), ("trial", "SimpleLocalProcessSpawner"), ("docker", "DockerSpawner")],
)
def test_each_shape_has_its_spawner_and_the_same_services(load: Any, shape: str, spawner: str) -> None:
    """Are marking service, formgrader and culler there, as the course's account?"""
    c = load(SPAWNER=shape).c
    assert c.JupyterHub.spawner_class.rpartition(".")[2] == spawner
    services = {service["name"]: service for service in c.JupyterHub.services}
    assert set(services) == {"marking", "faces", "idle-culler"}
    assert services["marking"]["command"][1:] == ["serve", "--course", "/srv/faces"]
    assert services["marking"]["oauth_client_allowed_scopes"] == ["custom:saiten:assist", "custom:saiten:instruct"]
    assert "--ServerApp.terminals_enabled=False" in services["faces"]["command"]
    assert "user" not in services["marking"]
    account = Path.home().owner()
    services = {each["name"]: each for each in load(SPAWNER=shape, ACCOUNT=account).c.JupyterHub.services}
    assert (services["marking"]["user"], services["faces"]["user"]) == (account, account)
    assert services["faces"]["environment"]["JUPYTERHUB_USER"] == account


def test_without_an_idle_time_there_is_no_culler_and_no_role_for_one(load: Any) -> None:
    """JupyterHub refuses a role of a service that does not exist: is 0 minutes a hub that starts?"""
    for minutes, there in (("60", True), ("0", False)):
        c = load(IDLE_MINUTES=minutes).c
        assert ("idle-culler" in {each["name"] for each in c.JupyterHub.services}) is there
        assert ("saiten-idle-culler" in {each["name"] for each in c.JupyterHub.load_roles}) is there


def test_rights_are_given_to_groups_alone(load: Any) -> None:
    """Who may do what, exactly; and does a server's own token hold nothing of staff's rights?"""
    c = load().c
    scopes = {role["name"]: set(role["scopes"]) for role in c.JupyterHub.load_roles}
    groups = {role["name"]: role.get("groups") for role in c.JupyterHub.load_roles}
    assert groups["saiten-students"] == ["nbgrader-faces"]
    assert groups["saiten-staff"] == ["formgrade-faces"]
    assert groups["saiten-instructors"] == ["instructors-faces"]
    assert scopes["saiten-students"] == {"self", "access:services!service=marking"}
    assert {"custom:saiten:assist", "access:services!service=faces"} <= scopes["saiten-staff"]
    assert scopes["saiten-instructors"] == {"custom:saiten:instruct"}
    assert not any("custom:" in scope or "inherit" in scope or "marking" in scope for scope in scopes["server"])
    assert c.JupyterHub.custom_scopes["custom:saiten:instruct"]["subscopes"] == ["custom:saiten:assist"]


@pytest.mark.parametrize(
    ("name", "by_password", "groups"),
    [
        ("student-001", [], ["nbgrader-faces"]),
        ("assistant", ["formgrade-faces"], ["formgrade-faces"]),
        ("instructor", ["formgrade-faces", "instructors-faces"], ["formgrade-faces", "instructors-faces"]),
        # a student's password for a name of staff; staff's for a student's; a name that nobody has
        ("instructor", [], None),
        ("instructor", ["formgrade-faces"], None),
        ("student-001", ["formgrade-faces"], None),
        ("stranger", [], None),
    ],
)
def test_a_shared_password_opens_the_names_of_its_role(
    load: Any, name: str, by_password: list[str], groups: list[str] | None
) -> None:
    """Is nobody more than the password says, and the other way round?"""
    hub = load()
    if groups is None:
        with pytest.raises(web.HTTPError, match="403"):
            hub.groups(name, {"groups": by_password})
    else:
        assert hub.groups(name, {"groups": by_password}) == groups
    assert hub.c.SharedPasswordAuthenticator.password_groups["staff-pass"] == ["formgrade-faces"]


@pytest.mark.parametrize(
    ("roles", "context", "groups"),
    [
        ([f"{MEMBERSHIP}#Learner"], "week-1", ["nbgrader-faces"]),
        ([f"{MEMBERSHIP}#Instructor"], "week-1", ["formgrade-faces", "instructors-faces"]),
        (
            [f"{MEMBERSHIP}#Instructor", f"{MEMBERSHIP}/Instructor#TeachingAssistant"],
            "week-1",
            ["formgrade-faces"],
        ),
        # an instructor of another course; of the university, and here nothing; somebody without a role
        ([f"{MEMBERSHIP}#Instructor"], "another", None),
        (["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"], "week-1", None),
        ([], "week-1", None),
    ],
)
def test_a_learning_platforms_roles(load: Any, roles: list[str], context: str, groups: list[str] | None) -> None:
    """Do roles count in the one course that is named, and there alone?"""
    names = ("ISSUER", "CLIENT_ID", "AUTHORIZE_URL", "JWKS_URL")
    hub = load(AUTH="lti", LTI_CONTEXT="week-1", STUDENTS="*", **{f"LTI_{name}": "https://lms.test" for name in names})
    claims = {"auth_state": {f"{LTI}/context": {"id": context}, f"{LTI}/roles": roles}}
    if groups is None:
        with pytest.raises(web.HTTPError, match="403"):
            hub.groups("somebody@university.test", claims)
    else:
        assert hub.groups("somebody@university.test", claims) == groups


def test_oauth_takes_its_secret_from_a_file_and_its_people_from_lists(load: Any, tmp_path: Path) -> None:
    """Is the secret in no environment, and is who is on no list turned away?"""
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "names").write_text("student-001\nStudent-002\n")
    urls = ("CALLBACK_URL", "AUTHORIZE_URL", "TOKEN_URL", "USERDATA_URL")
    hub = load(
        AUTH="oauth",
        STUDENTS=f"@{tmp_path / 'names'}",
        OAUTH_CLIENT_ID="saiten",
        OAUTH_SECRET=str(tmp_path / "secret"),
        **{f"OAUTH_{name}": "https://login.test" for name in urls},
    )
    assert hub.c.GenericOAuthenticator.client_secret == "s3cret"
    assert hub.c.Authenticator.allowed_users == {"student-001", "student-002", "assistant", "instructor"}
    assert hub.groups("student-002") == ["nbgrader-faces"]
    claims = {"oauth_user": {"preferred_username": "Instructor"}}
    assert hub.c.GenericOAuthenticator.auth_state_groups_key(claims) == {"formgrade-faces", "instructors-faces"}
    assert not hub.c.Authenticator.allow_all


def test_with_pam_unix_groups_say_who_is_who(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do members of the Unix groups of the same names get in, instructors as staff too, and nobody else?"""
    hub = load(AUTH="pam", STUDENTS="", STAFF="", INSTRUCTORS="")
    of = {"tanaka": {"instructors-faces", "users"}, "sato": {"nbgrader-faces"}, "suzuki": {"users"}}

    class Account:
        pw_gid = 0

    monkeypatch.setattr(hub.names["pwd"], "getpwnam", lambda name: Account)
    monkeypatch.setattr(hub.names["os"], "getgrouplist", lambda name, gid: of[name])
    monkeypatch.setattr(hub.names["grp"], "getgrgid", lambda gid: type("Group", (), {"gr_name": gid}))
    assert hub.groups("tanaka") == ["formgrade-faces", "instructors-faces"]
    assert hub.groups("sato") == ["nbgrader-faces"]
    with pytest.raises(web.HTTPError, match="403"):
        hub.groups("suzuki")
    assert hub.c.PAMAuthenticator.allowed_groups == {"nbgrader-faces", "formgrade-faces", "instructors-faces"}


@pytest.mark.parametrize(("name", "fits"), [("student-001", True), ("../root", False), ("a+b", False), ("a*", False)])
def test_names_are_safe_names_of_folders(load: Any, name: str, fits: bool) -> None:
    """Can no name leave a folder, or confuse nbgrader's own names?"""
    assert bool(re.fullmatch(load().c.Authenticator.username_pattern, name)) is fits


def test_a_gpu_is_asked_of_docker_for_the_profile_gpu_and_for_no_other(load: Any) -> None:
    """Does DockerSpawner get device requests, and a server after it none?"""
    c = load(SPAWNER="docker", GPU="1", GPU_IMAGE="saiten:cuda").c
    spawner = Spawner(c)
    c.Spawner.apply_user_options(spawner, {"profile": "gpu"})
    (request,) = HostConfig("1.44", **spawner.extra_host_config)["DeviceRequests"]  # as Docker's own client sends it
    assert (request["Count"], request["Capabilities"]) == (1, [["gpu"]])
    assert spawner.image == "saiten:cuda"
    assert spawner.environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert spawner.extra_host_config["cap_drop"] == ["ALL"]
    c.Spawner.apply_user_options(spawner, {"profile": "cpu"})
    assert spawner.extra_host_config["device_requests"] == []
    assert (spawner.image, spawner.environment["NVIDIA_VISIBLE_DEVICES"]) == ("saiten:latest", "void")
    for options in ({"profile": "tpu"}, {"profile": ["gpu"]}):
        with pytest.raises(web.HTTPError, match="400"):
            c.Spawner.apply_user_options(spawner, options)
    assert 'value="gpu"' in c.Spawner.options_form


def test_a_gpu_that_is_not_offered_is_refused(load: Any) -> None:
    """Can nobody ask for one by the API, and is the card hidden on one machine?"""
    for shape in ("docker", "local"):
        c = load(SPAWNER=shape).c
        with pytest.raises(web.HTTPError, match="400"):
            c.Spawner.apply_user_options(Spawner(c), {"profile": "gpu"})
        assert "options_form" not in c.Spawner
    spawner = Spawner(c)
    c.Spawner.apply_user_options(spawner, {})
    assert spawner.environment["CUDA_VISIBLE_DEVICES"] == ""


def test_a_container_sees_its_own_inbound_folder_alone(load: Any, tmp_path: Path) -> None:
    """Is everything else of the exchange read-only, and does the folder say whose it is?"""
    c = load(SPAWNER="docker", EXCHANGE=str(tmp_path / "exchange")).c
    own = {source: target for source, target in c.DockerSpawner.volumes.items() if "/" in source}
    inbound = f"{tmp_path}/exchange/faces/inbound"
    assert own == {f"{inbound}-of/{{raw_username}}": inbound}
    assert f"{tmp_path}/exchange/faces/feedback" in c.DockerSpawner.read_only_volumes
    user = type("User", (), {"name": "student-001"})
    c.Spawner.pre_spawn_hook(type("Spawner", (), {"user": user}))
    made = tmp_path / "exchange" / "faces" / "inbound-of" / "student-001"
    assert (made.stat().st_mode & 0o7777, made.parent.stat().st_mode & 0o7777) == (0o3733, 0o711)


def test_the_hubs_own_folder_is_closed_where_it_has_to_be(load: Any) -> None:
    """Are database and cookie secret out of reach, and can students read what nbgrader needs?"""
    hub = load(SPAWNER="trial")
    modes = {path.relative_to(hub.state).as_posix(): path.stat().st_mode & 0o777 for path in hub.state.glob("*/")}
    assert modes == {"private": 0o700, "nbgrader": 0o755}
    assert str(hub.state / "private") in hub.c.JupyterHub.db_url
    students, staff = (hub.state / "nbgrader" / who / "nbgrader_config.py" for who in ("students", "staff"))
    assert 'student_id = os.environ["JUPYTERHUB_USER"]' in students.read_text()
    assert "student_id" not in staff.read_text()
    assert "/srv/exchange" in staff.read_text()


def test_no_secret_is_handed_to_anybody(load: Any) -> None:
    """Does no password stand in what services and servers get?"""
    c = load().c
    handed = json.dumps([c.JupyterHub.services, c.Spawner.environment], default=str)
    assert not [word for word in PASSWORDS.values() if word in handed]


def _values(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_kubernetes_has_the_same_roles(load: Any) -> None:
    """Do the values give the same rights to the same groups as the configuration file?"""
    c, values = load().c, _values("z2jh-values.yaml")["hub"]
    wanted = {
        role["name"]: {name: part for name, part in role.items() if name != "name"}
        for role in c.JupyterHub.load_roles
        if role["name"] != "saiten-idle-culler"
    }
    assert values["loadRoles"] == wanted
    assert values["config"]["JupyterHub"]["custom_scopes"] == c.JupyterHub.custom_scopes
    assert values["config"]["Authenticator"]["username_pattern"] == c.Authenticator.username_pattern
    (marking,) = [each for each in c.JupyterHub.services if each["name"] == "marking"]
    assert values["services"]["marking"]["oauth_client_allowed_scopes"] == marking["oauth_client_allowed_scopes"]


def test_kubernetes_asks_for_a_gpu_in_one_profile() -> None:
    """Does KubeSpawner's profile "GPU" hold the resource, and "CPU" nothing of it?"""
    single = _values("z2jh-values.yaml")["singleuser"]
    profiles = {profile["slug"]: profile.get("kubespawner_override", {}) for profile in single["profileList"]}
    assert profiles["gpu"]["extra_resource_limits"] == {"nvidia.com/gpu": "1"}
    assert profiles["cpu"] == {}
    assert single["extraEnv"]["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_kubernetes_own_objects_fit_its_schemas() -> None:
    """Is every object of course.yaml what Kubernetes takes, and so the parts of the values that go into pods?"""
    objects = list(yaml.safe_load_all((DEPLOY / "course.yaml").read_text(encoding="utf-8")))
    assert {each["kind"] for each in objects} == {
        *("PersistentVolumeClaim", "ConfigMap", "Deployment", "Service", "NetworkPolicy")
    }
    single = _values("z2jh-values.yaml")["singleuser"]
    gpu = single["profileList"][1]["kubespawner_override"]
    storage = single["storage"]
    container = {"name": "server", "image": "saiten", "volumeMounts": storage["extraVolumeMounts"]}
    container["resources"] = {"limits": gpu["extra_resource_limits"]}
    spec = {
        "initContainers": single["initContainers"],
        "containers": [container],
        "volumes": storage["extraVolumes"],
        "tolerations": gpu["tolerations"],
    }
    objects.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "server"}, "spec": spec})
    for each in objects:
        kubernetes_validate.validate(each, "1.30", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**objects[-1], "spec": {**spec, "tolerations": "none"}}, "1.30", strict=True)


def _config_path(volume: dict[str, Any], maps: dict[str, dict[str, str]]) -> dict[str, str]:
    """Files that a volume shows, by path, as Kubernetes puts them there."""
    sources = [each["configMap"] for each in volume.get("projected", {}).get("sources", [volume])]
    found = {}
    for source in sources:
        data = maps[source["name"]]
        items = source.get("items", [{"key": key, "path": key} for key in data])
        found |= {item["path"]: data[item["key"]] for item in items}
    return found


def _loaded(name: str, text: str) -> object:
    """What a file of Jupyter's configuration says, whatever it looks like."""
    if name.endswith(".json"):
        return json.loads(text)
    config = Config()
    exec(compile(text, name, "exec"), {"get_config": lambda: config})
    return config


def test_kubernetes_has_the_files_that_the_hub_writes(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do students' servers and formgrader find the same files, menus of JupyterLab included, with the same in them?"""
    state = load(SPAWNER="docker").state / "nbgrader"
    monkeypatch.setenv("JUPYTERHUB_USER", "student-001")
    objects = list(yaml.safe_load_all((DEPLOY / "course.yaml").read_text(encoding="utf-8")))
    maps = {each["metadata"]["name"]: each["data"] for each in objects if each["kind"] == "ConfigMap"}
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in objects if each["kind"] == "Deployment"
    }
    volumes = {
        "students": _values("z2jh-values.yaml")["singleuser"]["storage"]["extraVolumes"],
        "staff": pods["formgrader"]["volumes"],
    }
    for kind, found in volumes.items():
        (volume,) = [each for each in found if each["name"] == f"for-{kind}"]
        there = {name: _loaded(name, text) for name, text in _config_path(volume, maps).items()}
        written = {
            str(path.relative_to(state / kind)): _loaded(path.name, path.read_text(encoding="utf-8"))
            for path in (state / kind).rglob("*")
            if path.is_file()
        }
        assert len(written) == 4
        assert there == written
    (volume,) = [each for each in pods["marking"]["volumes"] if each["name"] == "for-staff"]
    assert list(_config_path(volume, maps)) == ["nbgrader_config.py"]  # it runs no JupyterLab


def test_on_kubernetes_students_and_the_course_are_two_users() -> None:
    """As one user, students could list everybody's feedback: are uid and mounts as the docker shape has them?"""
    single = _values("z2jh-values.yaml")["singleuser"]
    objects = list(yaml.safe_load_all((DEPLOY / "course.yaml").read_text(encoding="utf-8")))
    pods = [each["spec"]["template"]["spec"] for each in objects if each["kind"] == "Deployment"]
    uids = {pod["securityContext"]["runAsUser"] for pod in pods}
    assert uids == {1001}
    assert single["uid"] == 1000
    writable = [each for each in single["storage"]["extraVolumeMounts"] if not each.get("readOnly")]
    assert [each["subPath"] for each in writable] == ["exchange/faces/inbound-of/{unescaped_username}"]


def test_the_head_says_what_was_not_tried() -> None:
    """Does who reads the values learn that no cluster has seen them?"""
    for name in ("z2jh-values.yaml", "dask-gateway-values.yaml"):
        head = "\n".join((DEPLOY / name).read_text(encoding="utf-8").splitlines()[:8])
        assert "UNTRIED" in head
