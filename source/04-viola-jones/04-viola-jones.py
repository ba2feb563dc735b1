# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-ja"]
# # 顔に四角を描く機械 — Viola と Jones の顔検出
#
# スマートフォンを人に向けると、顔のまわりに四角い枠が出ます。いまでは誰も驚きませんが、
# **その場で** 顔を見つけるカメラが生まれたのは、2001 年に Viola と Jones が次の三つを組み合わせてからです
# (**ビオラ・ジョーンズ** のアルゴリズム)。
#
# 1. **Haar 特徴**: 白と黒の長方形を当てて、明るさの差をはかる。**積分画像** を使えば、どんな大きさでも四つの数を読むだけ
# 2. **ブースティング** (AdaBoost): 「当てずっぽうより少しまし」な判定を何十個も組み合わせて、強い判定を作る
# 3. **注意のカスケード** (attentional cascade): 顔ではない場所には一瞬で見切りをつけ、顔らしい場所だけを念入りに調べる
#
# 講義のことばで言えば、これは CNN より前の「**固定的な特徴 + 学習する分類器**」の代表です (第 4 回)。
# 白黒の長方形は、Hubel と Wiesel が見つけた単純細胞の受容野をうんと粗くしたものに見えませんか。
# 目の高さは頬より暗い。鼻すじは両わきより明るい。そんな粗い手がかりを、機械は自分で選び出します。
#
# 講義の実習では、借りものの実装で学習に 20〜30 分かかりました。この演習では、同じ仕組みを自分で書き、**数秒** で学習させます。
# 最後には、写真の中から顔を見つけ、そして……だましてみましょう。

# %% [markdown] tags=["lang-en"]
# # The machine that draws squares around faces: Viola and Jones
#
# A phone draws a frame around a face, and nobody wonders any more. Cameras could do it on the spot only after the
# **Viola-Jones** algorithm (2001) put three ideas together: **Haar-like features** (black and white rectangles laid over the picture, cheap
# because of the **integral image**), **boosting** (many judgements that are a little better than guessing make one strong
# judgement), and an **attentional cascade** (give up on most places at once, look closely only where it may be a face).
#
# In the words of lecture 04 this is *fixed features and a trained classifier*, before CNNs. The rectangles look like very
# coarse receptive fields of simple cells: the eyes are darker than the cheeks, the bridge of the nose is brighter than
# what lies beside it. The machine picks such clues by itself.
#
# In the lecture a borrowed implementation took 20 to 30 minutes to train. You will write the same thing and train it in
# **seconds**, find faces in photographs, and in the end fool the detector.

# %% [markdown] tags=["lang-ja"]
# ## 進め方
#
# | | 内容 | 配点 | 目安 |
# |---|---|---|---|
# | A | 特徴: 積分画像、Haar 特徴、コントラスト (問 1〜3) | 24 | 40 分 |
# | B | 学習: 弱い判定、AdaBoost、カスケード (問 4〜6、記述 1) | 38 | 60 分 |
# | C | 検出: 窓を動かす、重なりをまとめる、成績をつける (問 7〜9、図、記述 2) | 38 | 60 分 |
#
# - 解答するのは `# YOUR CODE HERE` と書かれたセルだけです。`raise NotImplementedError()` を消して書きます。
# - セルは上から順に実行します。まだ答えていない問題のセルは `NotImplementedError` で止まりますが、故障ではありません。
# - 解答のすぐ下の **テストのセル** を実行して、何も表示されなければ合格です。
#   採点のときには、ここに見えないテスト (ほかの入力、極端な入力) も加わります。
# - どの問題も前の問題とは別に採点されます。行きづまったら、とばして先に進んでかまいません。
# - 長方形はいつも **(x, y, 幅 w, 高さ h)** で表します (OpenCV と同じ)。x は左端の **列**、y は上端の **行** です。
#   配列では **行が先** なので、画素は `image[y, x]` です。ここをまちがえる人が一番多いので、よく見てください。

# %% [markdown] tags=["lang-en"]
# ## How it works
#
# Part A (features, questions 1–3, 24 points), part B (learning, 4–6 and a written one, 38), part C (detection, 7–9, a
# picture and a written one, 38). Write only where it says `# YOUR CODE HERE`, in place of `raise NotImplementedError()`.
# The test cell below each answer says nothing when all is well; marking adds tests that you cannot see. Every question is
# marked on its own, so skip what you are stuck on.
#
# Rectangles are always **(x, y, width w, height h)**, as in OpenCV: x is the left **column**, y the top **row**. Arrays have
# the row first: the pixel is `image[y, x]`.

# %% nbgrader={"grade": false, "grade_id": "imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
import time
import xml.etree.ElementTree as ET

import cv2
import matplotlib.pyplot as plt
import matplotlib_fontja
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from facelab import load_face_patches, load_faces, load_photos, show_images

cv2.setNumThreads(1)
matplotlib_fontja.japanize()  # 図の中で日本語を使う / Japanese in figures

# %% [markdown] tags=["lang-ja"]
# ## まず見る
#
# 使うのは ORL (オリベッティ) の顔 40 人×10 枚と、顔の写っていない写真です。
# 風景や喫茶の写真に、**テスト用の 10 人** (訓練では一度も使いません) の顔を 12 枚ずつ、0.7〜1.5 倍の大きさで貼りました。
# 自分で貼ったので、どこに顔があるかは正確に分かっています (白い枠)。
#
# 橙色の枠は、Viola-Jones の完成品である OpenCV の `CascadeClassifier` が見つけたものです。これが目標です。

# %% [markdown] tags=["lang-en"]
# ## Look first
#
# The ORL (Olivetti) faces, 40 persons and 10 pictures each, and photographs without faces. On three photographs, 12 faces
# of the **ten test persons** (never used for training) are pasted at 0.7 to 1.5 times their size, so we know exactly where
# they are (white). Orange: what OpenCV's `CascadeClassifier`, a finished Viola-Jones detector, finds. That is the aim.

# %% nbgrader={"grade": false, "grade_id": "faces", "locked": true, "schema_version": 3, "solution": false, "task": false}
faces = load_faces(size=None)
portraits = faces.to_uint8()  # (400, 112, 92) 1 人 10 枚 x 40 人 / 10 pictures of each of 40 persons
photos = load_photos()
print(faces.credit)
print(photos.credit)


def gray_photo(name):
    """写真を白黒の uint8 (h, w) で返す / a photograph in grey."""
    photo = photos[name]
    return photo if photo.ndim == 2 else cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)


def make_scene(background, who, rng):
    """写真に 12 人の顔を貼る / paste 12 portraits, 0.7 to 1.5 times as large, on a photograph of 900 x 600.

    返り値 / returns : 画像 (600, 900) uint8、正解の枠 (12, 4)。枠は (x, y, 幅, 高さ) / picture, true boxes (x, y, w, h)
    """
    scene = cv2.resize(gray_photo(background), (900, 600), interpolation=cv2.INTER_AREA)
    boxes = []
    for place, index in enumerate(rng.permutation(who)[:12]):
        zoom = rng.uniform(0.7, 1.5)
        width, height = round(92 * zoom), round(112 * zoom)
        x = 225 * (place % 4) + int(rng.integers(0, 225 - width))
        y = 200 * (place // 4) + int(rng.integers(0, 200 - height))
        scene[y : y + height, x : x + width] = cv2.resize(portraits[index], (width, height))
        boxes.append((x, y + round(10 * zoom), width, width))  # 髪と首を除いた正方形 / a square without hair and neck
    return scene, np.array(boxes)


KNOWN, STRANGERS = np.arange(300), np.arange(300, 400)  # 訓練用の 30 人とテスト用の 10 人 / training and test persons
scenes = [make_scene(name, STRANGERS, np.random.default_rng(k)) for k, name in enumerate(["china", "coffee", "brick"])]

# %% nbgrader={"grade": false, "grade_id": "opencv", "locked": true, "schema_version": 3, "solution": false, "task": false}
CASCADE_FILE = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
opencv = cv2.CascadeClassifier(CASCADE_FILE)
opencv_boxes = [np.array(opencv.detectMultiScale(scene, scaleFactor=1.1, minNeighbors=5)) for scene, _ in scenes]


def draw_boxes(axis, picture, boxes_by_colour, title):
    """画像に枠を描く / draw boxes: {"C1": [(x, y, w, h), ...], ...}."""
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
    for colour, boxes in boxes_by_colour.items():
        for x, y, w, h in boxes:
            axis.add_patch(Rectangle((x, y), w, h, fill=False, edgecolor=colour, linewidth=1.5))
    axis.set_title(title, fontsize=10)
    axis.axis("off")


figure, axes = plt.subplots(1, 3, figsize=(10, 2.6), layout="constrained")
for axis, (scene, truth), found, name in zip(axes, scenes, opencv_boxes, ["china", "coffee", "brick"], strict=True):
    draw_boxes(axis, scene, {"white": truth, "C1": found}, f"{name}: OpenCV は {len(found)} 個 / {len(found)} found")
plt.show()

# %% [markdown] tags=["lang-ja"]
# ### Haar 特徴とは
#
# 下の図は、25×25 画素の平均顔と、その上に置いた 5 種類の Haar 特徴です。特徴の値は
#
# $$\text{値} = \sum_{\text{区画}} (\text{重み}) \times (\text{区画の中の画素の合計})$$
#
# で、白い区画の重みは $+1$、黒い区画は $-1$ です。3 個並びの特徴では、真ん中の重みを $+2$ にして、白と黒の面積をつり合わせます。
# こうしておくと、**画面全体が同じだけ明るくなっても、値は変わりません** (本物の単純細胞も、一様な光にはほとんど応答しません)。
#
# 位置と大きさを 2 画素きざみで変えるだけで、25×25 の小さな窓に 10,344 個もの特徴が置けます。

# %% [markdown] tags=["lang-en"]
# ### Haar-like features
#
# The mean face of 25×25 pixels, and the five kinds of features on it. The value of a feature is the sum over its cells of
# weight × sum of the pixels in the cell; white cells have the weight +1, black ones −1, and the middle of three has +2, so
# that white and black balance: **the same brightness added everywhere changes nothing** (real simple cells hardly respond
# to uniform light, either). Moving and stretching in steps of 2 pixels gives 10,344 features in one small window.

# %% nbgrader={"grade": false, "grade_id": "kinds", "locked": true, "schema_version": 3, "solution": false, "task": false}
# +1 は白、-1 は黒。どの種類も、面積を考えて足すと 0 になる / +1 white, -1 black; every kind adds up to 0
KINDS = [
    np.array([[1, -1]]),  # 0: 左右の 2 個 / two side by side
    np.array([[1], [-1]]),  # 1: 上下の 2 個 / two, one above the other
    np.array([[-1, 2, -1]]),  # 2: 横に 3 個 / three side by side
    np.array([[-1], [2], [-1]]),  # 3: 縦に 3 個 / three, one above the other
    np.array([[1, -1], [-1, 1]]),  # 4: 市松の 4 個 / four, as a chequerboard
]
SIDE = 25  # 窓の一辺 / side of a window


def all_features(side, step, smallest):
    """窓の中に置ける特徴をすべて並べる / every feature that fits into a window.

    返り値 / returns : (k, 5) の整数。一行が (種類, x, y, w, h) / whole numbers: kind, x, y, w, h of the whole feature
    """
    rows = []
    for kind, weights in enumerate(KINDS):
        n_rows, n_columns = weights.shape
        for h in range(smallest, side // n_rows + 1, step):
            for w in range(smallest, side // n_columns + 1, step):
                for y in range(0, side - h * n_rows + 1, step):
                    for x in range(0, side - w * n_columns + 1, step):
                        rows.append((kind, x, y, w * n_columns, h * n_rows))
    return np.array(rows)


def paint_feature(picture, row):
    """画像 (h, w) に特徴を白黒で塗る / paint a feature over a picture."""
    painted = np.array(picture, dtype=float)
    kind, x, y, w, h = (int(number) for number in row)
    n_rows, n_columns = KINDS[kind].shape
    w, h = w // n_columns, h // n_rows
    for (i, j), weight in np.ndenumerate(KINDS[kind]):
        cell = painted[y + i * h : y + (i + 1) * h, x + j * w : x + (j + 1) * w]
        cell[:] = 0.35 * cell + 0.65 * (weight > 0)
    return painted


table = all_features(SIDE, step=2, smallest=2)
print(f"特徴の数 / features: {len(table):,}")
mean_face = load_faces(size=SIDE).images[KNOWN].mean(axis=0)
examples = [(0, 11, 7, 8, 6), (1, 3, 6, 19, 8), (2, 5, 6, 15, 5), (3, 6, 10, 13, 12), (4, 2, 5, 20, 10)]
show_images(
    [mean_face] + [paint_feature(mean_face, row) for row in examples],
    titles=["平均顔\nmean face"] + [f"種類 {kind}\nkind {kind}" for kind in range(5)],
    inches=1.3,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ### 訓練に使う窓
#
# はじめに使うのは scikit-image の `lfw_subset` です。25×25 の顔が 100 枚、顔でない切り抜きが 100 枚あります。
# 上下の二枚は **同じ写真** から切り出したものなので、訓練とテストに分けるときは、必ず **組ごと** (`patches.group`) に分けます。
#
# 下の段の画像の **隅** を、よく見ておいてください。あとで問題にします。

# %% [markdown] tags=["lang-en"]
# ### Windows to train on
#
# First scikit-image's `lfw_subset`: 100 faces and 100 cut-outs without a face, 25×25. Two pictures of one column come from
# **one photo**, so they have to stay on one side of every split (`patches.group`). Have a good look at the **corners** of
# the lower row; we shall come back to them.

# %% nbgrader={"grade": false, "grade_id": "lfw", "locked": true, "schema_version": 3, "solution": false, "task": false}
patches = load_face_patches()
y_patch = np.where(patches.is_face, 1, -1)  # 顔は +1、顔でなければ -1 / face +1, not a face -1
known = np.isin(patches.group, np.random.default_rng(0).permutation(100)[:60])  # 60 組で訓練 / 60 pairs for training
patch_face = patches.images[patches.is_face].mean(axis=0)  # この 100 枚の平均顔 / the mean of these 100 faces
print(patches.credit)
show_images(
    patches.images[[0, 3, 20, 21, 40, 45, 60, 77, 100, 103, 120, 121, 140, 145, 160, 177]],
    columns=8,
    row_labels=["顔", "顔でない"],
    suptitle="同じ列の二枚は、同じ写真から切り出したもの / both pictures of a column come from one photo",
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# 検出器を作るには、もっとたくさんの窓が要ります。次の三つのセルは、そのための準備です (中身は読まなくてかまいません)。
# 一つ目は、訓練用の 30 人の顔 600 枚 (左右を入れかえたものを含む) と、写真から切り出した「顔でない」窓およそ 2 万 5 千枚について、
# 特徴を 200 個ずつ計算しておきます (数秒かかります)。二つ目と三つ目は、あとで使う検出器と関数です。

# %% [markdown] tags=["lang-en"]
# A detector needs many more windows. The next three cells prepare that (no need to read them). The first (a few seconds)
# computes 200 features for 600 pictures of the 30 training persons, mirrored ones included, and for some 25,000 windows
# that are not faces; the others hold a detector and functions for later.

# %% nbgrader={"grade": false, "grade_id": "training-windows", "locked": true, "schema_version": 3, "solution": false, "task": false}
pick = np.random.default_rng(7)
large = table[table[:, 3] * table[:, 4] >= 40]  # 小さすぎる特徴は除く / without the tiniest ones
few = large[np.sort(pick.permutation(len(large))[:200])]  # 検出器では、無作為に選んだ 200 個を使う / 200 of them


def window_features(picture, boxes, features):
    """写真の中の窓の特徴 (コントラストで割ったもの) / features of windows of a picture, divided by contrast.

    picture : (h, w) uint8、boxes : (m, 4) 正方形の枠 (x, y, w, h) / square boxes
    返り値 / returns : (m, k) float32。枠の一辺が 25 になるように縮めた画像で求める / from the picture reduced to 25 px
    """
    values = np.empty((len(boxes), len(features)), dtype=np.float32)
    corner = {"ddepth": cv2.CV_32F, "anchor": (0, 0), "borderType": cv2.BORDER_CONSTANT}
    for side in np.unique(boxes[:, 2]):
        small = cv2.resize(picture, None, fx=SIDE / side, fy=SIDE / side, interpolation=cv2.INTER_AREA) / np.float32(
            255
        )
        rows = np.flatnonzero(boxes[:, 2] == side)
        x = np.minimum(np.rint(boxes[rows, 0] * SIDE / side).astype(int), small.shape[1] - SIDE)
        y = np.minimum(np.rint(boxes[rows, 1] * SIDE / side).astype(int), small.shape[0] - SIDE)
        mean = cv2.boxFilter(small, ksize=(SIDE, SIDE), **corner)[y, x]
        square = cv2.sqrBoxFilter(small, ksize=(SIDE, SIDE), **corner)[y, x]
        contrast = np.sqrt(np.maximum(square - mean**2, 0.01**2))
        sums = {}
        for column, (kind, left, top, w, h) in enumerate(features.tolist()):
            n_rows, n_columns = KINDS[kind].shape
            size = (w // n_columns, h // n_rows)
            if size not in sums:
                sums[size] = cv2.boxFilter(small, ksize=size, normalize=False, **corner)
            total = np.zeros(len(rows), dtype=np.float32)
            for (i, j), weight in np.ndenumerate(KINDS[kind]):
                total += weight * sums[size][y + top + i * size[1], x + left + j * size[0]]
            values[rows, column] = total / contrast
    return values


def random_boxes(width, height, count, low, high):
    """いろいろな大きさの枠 / boxes of several sizes anywhere."""
    side = np.rint(low * (high / low) ** (pick.integers(0, 6, count) / 5)).astype(int)
    x, y = (pick.random(count) * (width - side)).astype(int), (pick.random(count) * (height - side)).astype(int)
    return np.column_stack([x, y, side, side])


crops = []
for index in KNOWN:
    for portrait in (portraits[index], portraits[index][:, ::-1]):  # 左右を入れかえたものも / mirrored, too
        side = int(pick.integers(84, 93))
        x, y = int(pick.integers(0, 93 - side)), 10 + (92 - side) // 2 + int(pick.integers(-4, 5))
        crops.append(cv2.resize(portrait[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def mosaic(windows):
    """25x25 の窓を縦に積んだ画像と、その枠 / windows of 25 x 25 stacked into one picture, and their boxes."""
    return np.concatenate(list(windows)), np.array([(0, SIDE * k, SIDE, SIDE) for k in range(len(windows))])


face_mosaic, face_places = mosaic(crops)
face_F = window_features(face_mosaic, face_places, few)  # (600, 200) 訓練用の顔 / faces for training

# lfw_subset の窓: 積分画像と、10,344 個すべての特徴 / the windows of lfw_subset
patch_ii = np.stack([cv2.integral(image) for image in patches.images])  # (200, 26, 26)
patch_F = window_features(*mosaic(np.rint(255 * patches.images).astype(np.uint8)), table)  # (200, 10344)

other_F = []
for name in ["clock", "flower", "gravel", "motorcycle", "page", "rocket"]:
    picture = gray_photo(name)
    limit = min(picture.shape)
    other_F.append(window_features(picture, random_boxes(*picture.shape[::-1], 1500, 30, limit), few))
    picture, truth = make_scene(name, KNOWN, pick)  # 顔からずれた窓も「顔でない」/ windows beside a face are no faces
    boxes = random_boxes(900, 600, 3000, 50, 200)
    shared = np.ones(len(boxes), dtype=bool)
    for x, y, side, _ in truth:
        shared &= np.abs(boxes[:, :2] + boxes[:, 2:] / 2 - [x + side / 2, y + side / 2]).max(axis=1) > 0.3 * side
    other_F.append(window_features(picture, boxes[shared], few))
other_F = np.concatenate(other_F)
print("顔の窓 / faces:", face_F.shape, "顔でない窓 / others:", other_F.shape)


# %% nbgrader={"grade": false, "grade_id": "ready", "locked": true, "schema_version": 3, "solution": false, "task": false}
def stage_score(F, stage):
    """一段の得点 / the score of one stage: sum of alpha * (+1 or -1).

    F : (n, k) の特徴 / features
    stage : {"stumps": [(feature, threshold, polarity), ...], "alphas": [...], ...}
    返り値 / returns : (n,)
    """
    score = np.zeros(len(F))
    for (feature, threshold, polarity), alpha in zip(stage["stumps"], stage["alphas"], strict=True):
        score += alpha * np.where(polarity * (F[:, feature] - threshold) > 0, 1.0, -1.0)
    return score


def boost_with_sklearn(F, y, rounds):
    """scikit-learn のブースティング / boosting by scikit-learn."""
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=rounds, random_state=0).fit(F, y)
    stage = {"stumps": [], "alphas": list(model.estimator_weights_ / 2)}
    for tree in model.estimators_:
        above = tree.classes_[np.argmax(tree.tree_.value[tree.tree_.children_right[0]])]
        stage["stumps"].append((int(tree.tree_.feature[0]), float(tree.tree_.threshold[0]), int(above)))
    return stage


easy = pick.permutation(len(other_F))[:1000]
first = boost_with_sklearn(np.concatenate([face_F, other_F[easy]]), np.repeat([1, -1], [len(face_F), len(easy)]), 5)
hard = np.argsort(-stage_score(other_F, first))[:1000]  # 顔に似た窓 / windows that look like faces
y_ready = np.repeat([1, -1], [len(face_F), len(hard)])
ready = boost_with_sklearn(np.concatenate([face_F, other_F[hard]]), y_ready, 30) | {"threshold": 2.0}
detector_stages = [first | {"threshold": -0.5}, ready]  # 自分のカスケードができるまで使う / until you have your own

# %% nbgrader={"grade": false, "grade_id": "fooling", "locked": true, "schema_version": 3, "solution": false, "task": false}
EYES, MOUTH = (40, 60), (75, 100)  # 隠す行 / rows to hide


def hide(portrait, part):
    """顔 (112, 92) の一部を、その顔の平均の明るさの帯で隠す / hide a part under a bar as bright as the whole face."""
    hidden = portrait.copy()
    hidden[part[0] : part[1]] = portrait.mean()
    return hidden


def tilt(portrait, degrees):
    """顔を傾ける / tilt a portrait; the border is replicated."""
    wide = cv2.copyMakeBorder(portrait, 30, 30, 30, 30, cv2.BORDER_REPLICATE)
    turn = cv2.getRotationMatrix2D((wide.shape[1] / 2, wide.shape[0] / 2), degrees, 1)
    return cv2.warpAffine(wide, turn, wide.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


def opencv_finds(picture):
    """OpenCV の検出器が、画像に顔を一つでも見つけるか / whether OpenCV's detector finds any face."""
    if picture.shape == portraits[0].shape:  # ORL の顔は枠いっぱいなので、縁をのばす / these faces fill the frame
        picture = cv2.copyMakeBorder(picture, 30, 30, 30, 30, cv2.BORDER_REPLICATE)
    return len(opencv.detectMultiScale(picture, scaleFactor=1.1, minNeighbors=5, minSize=(48, 48))) > 0


cascade_xml = ET.parse(CASCADE_FILE).getroot().find("cascade")
opencv_rectangles = [
    [tuple(float(number) for number in rectangle.text.split()) for rectangle in feature.find("rects")]
    for feature in cascade_xml.find("features")
]
# 一段は切り株の並び、切り株は (x, y, w, h, 重み) の長方形の並び / stages of stumps of rectangles (x, y, w, h, weight)
opencv_stages = [
    {
        "stumps": [
            opencv_rectangles[int(weak.find("internalNodes").text.split()[2])] for weak in stage.find("weakClassifiers")
        ]
    }
    for stage in cascade_xml.find("stages")
]


def paint_rectangles(picture, rectangles):
    """OpenCV の特徴を塗る / paint a feature of OpenCV's: later rectangles lie on top."""
    painted = np.array(picture, dtype=float)
    for x, y, w, h, weight in rectangles:
        part = np.s_[int(y) : int(y + h), int(x) : int(x + w)]
        painted[part] = 0.35 * picture[part] + 0.65 * (weight > 0)
    return painted


# %% [markdown] tags=["lang-ja"]
# ---
# # A. 特徴
#
# ## 問 1. 積分画像 (8 点)
#
# 長方形の中の画素を足すのに、大きさに比例した時間をかけていては間に合いません。そこで、先に **積分画像** を作ります。
#
# $$I(y, x) = \sum_{y' < y} \; \sum_{x' < x} \text{image}(y', x')$$
#
# - $I(y, x)$: 画素 $(y, x)$ より **上かつ左** にある画素の合計。画素 $(y, x)$ の行と列は含みません
# - 画像が $h \times w$ なら、 $I$ は $(h+1) \times (w+1)$。**0 行目と 0 列目は 0** です
#
# たとえば $\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$ の積分画像は
# $\begin{pmatrix} 0 & 0 & 0 \\ 0 & 1 & 3 \\ 0 & 4 & 10 \end{pmatrix}$ です。
#
# 一度作れば、どんな長方形の合計も **四つの数** を読むだけで求まります。
#
# $$\text{合計} = I(y+h,\, x+w) - I(y,\, x+w) - I(y+h,\, x) + I(y,\, x)$$
#
# 右下から、上の余分と左の余分を引き、二度引いた左上を戻すのです。紙に長方形を描いて確かめてください。
#
# 1. `integral_image(image)` は、1 枚 (h, w) でも、何枚も重ねたもの (n, h, w) でも働くようにします (最後の二つの軸が縦と横)
# 2. `rectangle_sum(ii, x, y, w, h)` の `x, y, w, h` は、数でも、**整数の配列** (k,) でもよいものとします。
#    配列なら、k 個の長方形の合計を一度に返します。添字に配列を使う `ii[..., y, x]` なら、同じ式のまま両方で動きます
#
# <details><summary>ヒント</summary>
#
# `np.cumsum(image, axis=...)` は、その軸に沿って足し込みます。二つの軸で一度ずつ使います。
# 負の番号の軸 (`axis=-1` は一番最後) を使えば、何枚重ねても同じです。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ---
# # A. Features
#
# ## Question 1. The integral image (8 points)
#
# $I(y, x)$ is the sum of all pixels **above and to the left of** pixel $(y, x)$, its own row and column not included. For a
# picture of $h \times w$ it is $(h+1) \times (w+1)$, and **row 0 and column 0 are 0** (example above). Once it is made, the
# sum over any rectangle takes **four look-ups** (formula above): draw it on paper.
#
# (1) `integral_image(image)` takes one picture (h, w) or a stack (n, h, w): the last two axes are height and width.
# (2) `rectangle_sum(ii, x, y, w, h)`: numbers, or **arrays of whole numbers** (k,), then all k sums at once; with
# `ii[..., y, x]` the same formula does both. `np.cumsum` along negative axes helps.


# %% nbgrader={"grade": false, "grade_id": "integral-image", "locked": false, "schema_version": 3, "solution": true, "task": false}
def integral_image(image):
    """積分画像 / the integral image, with a row and a column of zeros in front.

    image : (h, w) または (n, h, w) の配列。整数 (uint8) でもよい / one picture or a stack; whole numbers are fine
    返り値 / returns : (h + 1, w + 1) または (n, h + 1, w + 1) の配列 / one row and one column more
    """
    ### BEGIN SOLUTION
    ii = np.zeros((*image.shape[:-2], image.shape[-2] + 1, image.shape[-1] + 1))
    ii[..., 1:, 1:] = image.cumsum(axis=-2).cumsum(axis=-1)
    return ii
    ### END SOLUTION


def rectangle_sum(ii, x, y, w, h):
    """長方形の中の画素の合計 / sum of the pixels in a rectangle, by four look-ups.

    ii : (H + 1, W + 1) または (n, H + 1, W + 1) の積分画像 / integral images
    x, y, w, h : 左端、上端、幅、高さ。整数、または同じ長さの整数の配列 (k,) / left, top, width, height; numbers or arrays
    返り値 / returns : 数なら () か (n,)、配列なら (k,) か (n, k) / () or (n,) for numbers, (k,) or (n, k) for arrays
    """
    ### BEGIN SOLUTION
    return ii[..., y + h, x + w] - ii[..., y, x + w] - ii[..., y + h, x] + ii[..., y, x]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-integral-image", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close
from saiten.pictures import attach_pictures

result = integral_image(mean_face.copy())
right = cv2.integral(mean_face)
# どこかがちがえば、平均顔での結果を見せる / if anything is wrong, show what becomes of the mean face
with attach_pictures("integral_image (平均顔 / the mean face)", result, right, show_expected=True):
    assert_close(
        integral_image(np.array([[1, 2], [3, 4]])),
        [[0, 0, 0], [0, 1, 3], [0, 4, 10]],
        "integral_image",
        hint="0 行目と 0 列目は 0 ですか / are row 0 and column 0 zero?",
    )
    assert_close(
        integral_image(np.array([[[1.5, 2, 0]], [[0, 0, 7]]])),
        [[[0, 0, 0, 0], [0, 1.5, 3.5, 3.5]], [[0, 0, 0, 0], [0, 0, 0, 7]]],
        "integral_image (2 枚 / two pictures)",
        hint="最後の二つの軸が縦と横です / the last two axes are height and width",
    )
    assert_close(result, right, "integral_image (平均顔 / the mean face)")
### BEGIN HIDDEN TESTS
import cv2 as opencv_reference

rng = np.random.default_rng(1101)
for height, width in [(5, 7), (9, 4), (1, 6), (8, 1), (1, 1)]:
    image = rng.integers(0, 256, (height, width), dtype=np.uint8)
    right = opencv_reference.integral(image)
    assert_close(integral_image(image.copy()), right, f"integral_image (uint8, {height} x {width})")
    image = rng.uniform(-1, 1, (height, width))
    right = opencv_reference.integral(image)
    assert_close(integral_image(image.copy()), right, f"integral_image ({height} x {width})")
stack = rng.uniform(0, 1, (4, 3, 6))
right = [opencv_reference.integral(image) for image in stack]
assert_close(integral_image(stack.copy()), right, "integral_image (4 枚 / four pictures)")
stack = rng.uniform(0, 1, (2, 7, 5)).astype(np.float32)
right = [opencv_reference.integral(image.astype(float)) for image in stack]
# float32 sums of 35 values keep about six digits
assert_close(integral_image(stack.copy()), right, "integral_image (float32)", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-rectangle-sum", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

image = np.arange(20.0).reshape(4, 5)
table_of_sums = np.pad(image.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
assert_close(
    rectangle_sum(table_of_sums, 1, 0, 3, 2),
    image[0:2, 1:4].sum(),
    "rectangle_sum (x=1, y=0, w=3, h=2)",
    hint="x は列、y は行です。ii[y, x] の順に読みますか / x is the column, y the row: ii[y, x]",
)
assert_close(rectangle_sum(table_of_sums, 0, 0, 5, 4), image.sum(), "rectangle_sum (画像全体 / the whole picture)")
assert_close(
    rectangle_sum(table_of_sums, np.array([0, 2]), np.array([3, 1]), np.array([5, 1]), np.array([1, 3])),
    [image[3:4, 0:5].sum(), image[1:4, 2:3].sum()],
    "rectangle_sum (配列 / arrays)",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1102)
stack = rng.uniform(0, 1, (3, 8, 11))
tables = np.pad(stack.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
rectangles = []
for _ in range(12):
    left, top = int(rng.integers(0, 11)), int(rng.integers(0, 8))
    rectangles.append((left, top, int(rng.integers(1, 12 - left)), int(rng.integers(1, 9 - top))))
rectangles += [(0, 0, 11, 8), (10, 7, 1, 1), (0, 3, 4, 5), (4, 0, 7, 2)]
right = np.array([[image[y : y + h, x : x + w].sum() for x, y, w, h in rectangles] for image in stack])
for column, (x, y, w, h) in enumerate(rectangles):
    assert_close(rectangle_sum(tables[1].copy(), x, y, w, h), right[1, column], "rectangle_sum (数 / numbers)")
    assert_close(rectangle_sum(tables.copy(), x, y, w, h), right[:, column], "rectangle_sum (3 枚、数 / a stack)")
columns = [np.array(numbers) for numbers in zip(*rectangles, strict=True)]
assert_close(rectangle_sum(tables[2].copy(), *columns), right[2], "rectangle_sum (配列 / arrays)")
assert_close(rectangle_sum(tables.copy(), *columns), right, "rectangle_sum (3 枚、配列 / a stack and arrays)")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔の積分画像を見てみましょう。右下ほど大きくなる、なだらかな坂です。どこに顔があるのかも分かりませんが、
# どんな長方形の合計も、この坂の四つの高さから **同じ時間** で求まります。

# %% [markdown] tags=["lang-en"]
# The integral image of a face is a smooth slope. You would not recognise anybody, but four heights of that slope give the
# sum over any rectangle, large or small, in the **same time**.

# %%
portrait = portraits[300] / 255
slope = np.array(integral_image(portrait))
show_images([portrait, slope / slope.max()], titles=["顔 / a face", "積分画像 / its integral image"], inches=1.6)
plt.show()
for w, h in [(4, 4), (80, 100)]:
    four = rectangle_sum(slope, 5, 5, w, h)
    print(
        f"{w} x {h}: 四つの数 / four look-ups {four:.3f}, 全部足す / adding up {portrait[5 : 5 + h, 5 : 5 + w].sum():.3f}"
    )

# %% [markdown] tags=["lang-ja"]
# ## 問 2. すべての窓の Haar 特徴を一度に (9 点)
#
# 借りものの実装が遅かったのは、窓を一枚ずつ、特徴を一つずつ計算していたからです。ここでは
# **行が窓、列が特徴** の大きな表を、一度に作ります。
#
# - `ii` (n, H+1, W+1): n 枚の窓の積分画像
# - `table` (k, 5): 一行が一つの特徴で、`(種類, x, y, w, h)`。 **w, h は特徴全体の幅と高さ** です
# - 種類ごとの区画の重みは、上のセルの `KINDS` にあります。たとえば `KINDS[2]` は `[[-1, 2, -1]]` で、1 行 3 列の区画です。
#   全体の幅 w を 3 等分したものが、一つの区画の幅になります (必ず割り切れます)
#
# 返すのは (n, k) の配列です。i 行 j 列は、i 番目の窓での j 番目の特徴の値です。
#
# 窓は 200 枚でも 2 万枚でも同じ式ですみます。特徴のほうは、種類ごとに `table[:, 0] == kind` で選び出すと、
# くり返しは「5 種類 × 区画の数」だけになります (特徴一つずつの for 文でも、答えは正しくなります)。

# %% [markdown] tags=["lang-en"]
# ## Question 2. Haar-like features of all windows at once (9 points)
#
# The borrowed implementation was slow because it went window by window and feature by feature. Make one large table: a
# **row for each window, a column for each feature**. `ii` holds the integral images of n windows; `table` has a row
# `(kind, x, y, w, h)` for each feature, where **w and h are those of the whole feature**; `KINDS[kind]` (above) holds the
# weights of its cells, e.g. `[[-1, 2, -1]]`: one row of three cells, each a third of w wide (it always divides evenly).
# Pick the features of one kind by `table[:, 0] == kind`, and the loop is over five kinds and their cells only. One feature
# after the other is right as well, just slower.


# %% nbgrader={"grade": false, "grade_id": "haar-features", "locked": false, "schema_version": 3, "solution": true, "task": false}
def haar_features(ii, table):
    """すべての窓の、すべての Haar 特徴 / every Haar-like feature of every window.

    ii    : (n, H + 1, W + 1) 窓の積分画像 / integral images of n windows
    table : (k, 5) の整数。一行が (種類, x, y, w, h) / whole numbers: kind, x, y, w, h of the whole feature
    返り値 / returns : (n, k) の配列 / an array, one column for each feature, in the order of the table
    """
    ### BEGIN SOLUTION
    values = np.zeros((len(ii), len(table)))
    for kind, weights in enumerate(KINDS):
        of_kind = table[:, 0] == kind
        x, y, w, h = table[of_kind, 1:].T
        w, h = w // weights.shape[1], h // weights.shape[0]
        for (row, column), weight in np.ndenumerate(weights):
            left, top = x + column * w, y + row * h
            right, bottom = left + w, top + h
            values[:, of_kind] += weight * (
                ii[:, bottom, right] - ii[:, top, right] - ii[:, bottom, left] + ii[:, top, left]
            )
    return values
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-haar-kinds", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 左半分だけ明るい窓: 左右の特徴は 4 * 2 = 8、上下の特徴は 0 / bright on the left only
window = np.zeros((4, 4))
window[:, :2] = 1
bright_left = np.pad(window.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))[np.newaxis]
hint = "w と h は特徴「全体」の大きさです / w and h belong to the whole feature"
assert_close(haar_features(bright_left, np.array([[0, 0, 0, 4, 4]])), [[8]], "種類 0 / kind 0", hint=hint)
assert_close(haar_features(bright_left, np.array([[1, 0, 0, 4, 4]])), [[0]], "種類 1 / kind 1", hint=hint)
assert_close(haar_features(bright_left, np.array([[2, 0, 1, 3, 2]])), [[2]], "種類 2 / kind 2", hint=hint)
assert_close(haar_features(bright_left, np.array([[3, 0, 0, 4, 3]])), [[0]], "種類 3 / kind 3", hint=hint)
assert_close(haar_features(bright_left, np.array([[4, 0, 0, 4, 4]])), [[0]], "種類 4 / kind 4", hint=hint)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1201)
picture = rng.uniform(0, 1, (1, 13, 17))
tables = np.pad(picture.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
patterns = [[[1, -1]], [[1], [-1]], [[-1, 2, -1]], [[-1], [2], [-1]], [[1, -1], [-1, 1]]]
for kind, pattern in enumerate(patterns):
    for x, y, cell_w, cell_h in [(0, 0, 1, 1), (3, 2, 4, 3), (1, 4, 2, 3), (5, 1, 3, 2)]:
        w, h = cell_w * len(pattern[0]), cell_h * len(pattern)
        # an independent way: the weights blown up to pixels, and one product
        mask = np.kron(np.array(pattern), np.ones((cell_h, cell_w)))
        right = (mask * picture[0, y : y + h, x : x + w]).sum()
        value = haar_features(tables.copy(), np.array([[kind, x, y, w, h]]))
        assert_close(value, [[right]], f"haar_features (種類 / kind {kind})", hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-haar-many", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

flat = np.ones((2, 6, 6)) * np.array([1.0, 5.0]).reshape(2, 1, 1)
flat = np.pad(flat.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
several = np.array([[4, 1, 1, 2, 4], [0, 0, 0, 6, 2], [3, 2, 0, 2, 6]])
assert_close(
    haar_features(flat, several),
    np.zeros((2, 3)),
    "haar_features (一様な明るさの窓 / uniform windows)",
    hint="一様な明るさでは、どの特徴も 0 になるはずです / every feature is 0 where the brightness is uniform",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1202)
stack = rng.uniform(0, 1, (6, 12, 10))
tables = np.pad(stack.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
patterns = [[[1, -1]], [[1], [-1]], [[-1, 2, -1]], [[-1], [2], [-1]], [[1, -1], [-1, 1]]]
for kinds in [(4, 0, 2, 1, 3, 0, 2, 4, 1), (3, 3, 0), (1,)]:
    rows, right = [], np.zeros((len(stack), len(kinds)))
    for column, kind in enumerate(kinds):
        cell_w, cell_h = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        w, h = cell_w * len(patterns[kind][0]), cell_h * len(patterns[kind])
        x, y = int(rng.integers(0, 11 - w)), int(rng.integers(0, 13 - h))
        rows.append((kind, x, y, w, h))
        mask = np.kron(np.array(patterns[kind]), np.ones((cell_h, cell_w)))
        right[:, column] = (stack[:, y : y + h, x : x + w] * mask).sum(axis=(1, 2))
    assert_close(
        haar_features(tables.copy(), np.array(rows)),
        right,
        f"haar_features ({len(stack)} 枚、{len(kinds)} 個 / windows and features)",
        hint="どの行も、その窓自身の積分画像から求めていますか。列の順番は table の順番のままですか / "
        "is each row made from its own window, and are the columns in the order of the table?",
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 10,344 個の特徴を、まず 20 枚の窓で計算してみます。全部の窓 (200 枚) なら、およそ 10 倍の時間です。
# 顔の写真と顔でない写真とで、値がどうちがうかも見てみましょう。選んだのは「目の段は、その下の段より暗い」という特徴です
# (値は 上の段 − 下の段 なので、目の段が暗ければ **マイナス** になります)。

# %% [markdown] tags=["lang-en"]
# All 10,344 features of 20 windows first; 200 windows take about ten times as long. Then one of them on faces and on other
# things: "the band of the eyes is darker than the band below" (upper minus lower band, so dark eyes give a **negative** value).

# %%
start = time.perf_counter()
some_features = np.array(haar_features(patch_ii[:20], table))
print(f"20 枚 x 10,344 個 / 20 windows: {time.perf_counter() - start:.3f} 秒 / s, 形 / shape {some_features.shape}")

eyes = np.array([[1, 4, 6, 16, 8]])
values = np.array(haar_features(patch_ii, eyes))[:, 0]
figure, axis = plt.subplots(figsize=(5, 2.6))
bins = np.linspace(-40, 40, 33)
axis.hist(values[patches.is_face], bins, alpha=0.6, color="C1", label="顔 / faces")
axis.hist(values[~patches.is_face], bins, alpha=0.6, color="C0", label="顔でない / not faces")
axis.set_xlabel("上の段 - 下の段 / upper band - lower band")
axis.set_ylabel("枚数 / windows")
axis.set_title("一つの特徴の値 / one feature", fontsize=10)
axis.legend(fontsize=8)
figure.tight_layout()
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 3. コントラストでそろえる (7 点)
#
# Haar 特徴は、全体が **明るく** なっても変わりません。しかし、照明が強く **コントラスト** が 2 倍になれば、値も 2 倍になります。
# そこで、特徴の値を窓の中の画素の **標準偏差** $\sigma$ で割ります。これも積分画像から求まります。
#
# $$\sigma^2 = \underbrace{\frac1N \sum \text{image}^2}_{\text{2 乗の平均}} - \Bigl( \underbrace{\frac1N \sum \text{image}}_{\text{平均}} \Bigr)^2$$
#
# - $N$: 窓の画素の数。一辺が $s$ の正方形なら $N = s^2$
# - 画像の積分画像 `ii` と、**画像を 2 乗してから** 作った積分画像 `ii_squared` の二つを使います
#
# 空や壁のような平らな窓では $\sigma$ がほとんど 0 になり、割り算が雑音を増幅してしまいます
# (丸め誤差で $\sigma^2$ がわずかに負になり、平方根が `nan` になることもあります)。
# そこで、 $\sigma$ が **0.01 より小さければ 0.01** とします (画素の値は 0 から 1 です)。

# %% [markdown] tags=["lang-en"]
# ## Question 3. The same contrast for all (7 points)
#
# Brightness leaves Haar-like features alone, contrast does not: twice the contrast, twice the value. So divide by the
# **standard deviation** σ of the pixels in the window, which integral images give as well: σ² is the mean of the squares
# minus the square of the mean, $N = s^2$ pixels in a square of side $s$. You get `ii` of the picture and `ii_squared` of
# the **squared** picture. In flat windows (sky, walls) σ is nearly 0 and would blow up noise, and rounding can even make
# σ² negative: where σ is **smaller than 0.01, return 0.01** (pixels are 0 to 1).


# %% nbgrader={"grade": false, "grade_id": "window-std", "locked": false, "schema_version": 3, "solution": true, "task": false}
def window_std(ii, ii_squared, x, y, side):
    """正方形の窓の、画素の標準偏差 (0.01 以上) / standard deviation of the pixels in square windows, at least 0.01.

    ii         : (H + 1, W + 1) 画像の積分画像 / integral image of a picture with values from 0 to 1
    ii_squared : (H + 1, W + 1) 画像の 2 乗の積分画像 / integral image of its square
    x, y       : (k,) の整数の配列。窓の左端と上端 / left and top of k windows
    side       : 窓の一辺 (整数) / side of the windows
    返り値 / returns : (k,) 標準偏差。0.01 より小さければ 0.01 / standard deviations, 0.01 where they are smaller
    """
    ### BEGIN SOLUTION
    square, mean = (
        (t[y + side, x + side] - t[y, x + side] - t[y + side, x] + t[y, x]) / side**2 for t in (ii_squared, ii)
    )
    return np.sqrt(np.maximum(square - mean**2, 0.01**2))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-window-std", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close


def two_tables(picture):
    """画像とその 2 乗の積分画像 / integral images of a picture and of its square."""
    return [np.pad(p.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))) for p in (picture, picture**2)]


chequers = np.indices((6, 8)).sum(axis=0) % 2 * 1.0  # 0 と 1 が半々なら、標準偏差は 0.5 / half 0, half 1: 0.5
assert_close(
    window_std(*two_tables(chequers), np.array([0, 3]), np.array([0, 1]), 4),
    [0.5, 0.5],
    "window_std",
    hint="N は side の 2 乗です。平方根は取りましたか / N is side squared; the square root?",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1301)
for height, width, side in [(9, 14, 5), (20, 11, 8), (6, 7, 2), (5, 5, 5)]:
    picture = rng.uniform(0, 1, (height, width)) * rng.uniform(0.3, 1)
    x, y = rng.integers(0, width - side + 1, 10), rng.integers(0, height - side + 1, 10)
    right = [picture[b : b + side, a : a + side].std() for a, b in zip(x, y, strict=True)]
    result = window_std(*two_tables(picture), x.copy(), y.copy(), side)
    # mean of squares minus square of mean loses a few of sixteen digits
    assert_close(result, right, f"window_std ({height} x {width})")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-window-std-flat", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

pictures = [np.full((7, 7), 0.3), np.full((7, 7), 0.7)]
for picture in pictures:
    tables = [np.pad(p.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))) for p in (picture, picture**2)]
    assert_close(
        window_std(*tables, np.array([0, 1, 2]), np.array([2, 1, 0]), 5),
        [0.01, 0.01, 0.01],
        "window_std (平らな窓 / flat windows)",
        hint="平らな窓では 0.01 を返します / 0.01 for flat windows",
    )
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1302)
pattern = np.indices((6, 9)).sum(axis=0) % 2 * 2.0 - 1
for level in (0.004, 0.0099, 0.0101, 0.02, 0.09):
    picture = 0.5 + level * pattern  # half of the pixels level above 0.5, half below: the deviation is level
    tables = [np.pad(p.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))) for p in (picture, picture**2)]
    right = [max(level, 0.01)] * 3
    result = window_std(*tables, np.array([0, 5, 2]), np.array([0, 2, 1]), 4)
    assert_close(
        result, right, "window_std (コントラストの低い窓 / low contrast)", hint="0.01 が下限です / at least 0.01"
    )
for level in rng.uniform(0, 1, 8):
    picture = np.full((30, 30), level)
    tables = [np.pad(p.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))) for p in (picture, picture**2)]
    result = window_std(*tables, rng.integers(0, 6, 5), rng.integers(0, 6, 5), 24)
    assert_close(result, [0.01] * 5, "window_std (平らな窓 / flat windows)", hint="0.01 が下限です / at least 0.01")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# `lfw_subset` の平均顔を、明るくしたり、コントラストを下げたりしてみます (特徴は、上と同じ「目の段」です)。
# 明るくしただけなら生の値は変わりませんが、コントラストを半分にすると、生の値も半分になります。
# $\sigma$ で割った値は、どちらの場合にも変わりません。**明るさの恒常性** の、とても素朴な形です。

# %% [markdown] tags=["lang-en"]
# The mean face of `lfw_subset` brighter, or with less contrast (the feature is the band of the eyes again). Brightness leaves
# the raw value alone, half the contrast halves it; the value divided by σ stays the same in both cases. A very simple kind
# of lightness constancy.

# %%
versions = {"元の顔": patch_face, "明るく": patch_face + 0.2, "コントラスト半分": 0.5 * patch_face + 0.25}
for name, picture in versions.items():
    tables = [np.pad(p.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))) for p in (picture, picture**2)]
    raw = np.array(haar_features(tables[0][np.newaxis], eyes))[0, 0]
    sigma = np.array(window_std(*tables, np.array([0]), np.array([0]), SIDE))[0]
    print(f"生の値 / raw {raw:6.2f}   σ {sigma:.3f}   σ で割った値 / divided {raw / sigma:7.2f}   {name}")

# %% [markdown] tags=["lang-ja"]
# ---
# # B. 学習
#
# ## 問 4. 一番ましな「切り株」 (12 点)
#
# 特徴を **一つだけ** 見て、しきい値より大きいか小さいかで顔かどうかを決める判定を、 **決定株** (decision stump、切り株) といいます。
# ブースティングの材料になる **弱分類器** (当てずっぽうより少しましな分類器) の代表です。
#
# $$h(\boldsymbol f) = \begin{cases} +1 \;(\text{顔}) & p\,(f_j - \theta) > 0 \\ -1 \;(\text{顔でない}) & \text{それ以外} \end{cases}$$
#
# - $j$: 使う特徴の番号、 $\theta$ (シータ): しきい値、 $p$: 向き。 $+1$ なら「大きいほうが顔」、 $-1$ なら「小さいほうが顔」
#
# 例にはそれぞれ **重み** $w_i \ge 0$ (合計 1) が付いています。次の誤差が最小になる $(j, \theta, p)$ を見つけてください。
#
# $$\varepsilon = \sum_{i:\, h(\boldsymbol f_i) \ne y_i} w_i \qquad (\text{まちがえた例の重みの合計})$$
#
# - しきい値の候補は、その特徴の値を小さい順に並べたときの、**となり合う異なる値の真ん中** だけです
#   (値 1, 1, 2, 4 なら 1.5 と 3。同じ値の間では切れません)
# - 誤差が同じときは、**番号の小さい特徴**、次に **小さいしきい値**、次に **向き $+1$** を選びます
#
# **はやく求めるこつ**: 値の小さい順に並べ、下から順に重みを足し込みます (`np.argsort`, `np.cumsum`)。
# しきい値を一つ上げるたびに、向き $+1$ の誤差は「その例が顔なら $w_i$ 増え、顔でないなら $w_i$ 減る」だけです。
# 向き $-1$ の誤差は、いつでも 1 からそれを引いたものです。一つの特徴について for 文で書くところから始めましょう。

# %% [markdown] tags=["lang-en"]
# ---
# # B. Learning
#
# ## Question 4. The best decision stump (12 points)
#
# A **decision stump**, the favourite **weak classifier** of boosting, looks at **one** feature $j$ and a threshold θ: face (+1) if $p\,(f_j - \theta) > 0$, else −1. The
# polarity $p$ is +1 ("large means face") or −1. Every example has a **weight** $w_i \ge 0$ (they add up to 1). Find the
# $(j, \theta, p)$ with the smallest ε, the sum of the weights of the examples it gets wrong. Candidates for θ are only the
# **midpoints between neighbouring different values** of the feature (1, 1, 2, 4: 1.5 and 3). At a tie take the **feature
# with the smaller number**, then the **smaller threshold**, then polarity **+1**.
#
# The fast way: sort, and add weights up from below. As the threshold passes an example, the error of polarity +1 grows by
# $w_i$ if it is a face and falls by $w_i$ if not; polarity −1 always has 1 minus that. Start with a loop over features.


# %% nbgrader={"grade": false, "grade_id": "best-stump", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_stump(F, y, w):
    """重みつきの誤差が最小の決定株 / the decision stump with the smallest weighted error.

    F : (n, k) の配列。一行が例、一列が特徴。値のちがう列が一つはある / rows: examples; some column has different values
    y : (n,) の配列。顔は +1、顔でなければ -1 / +1 for a face, -1 otherwise
    w : (n,) の配列。0 以上、合計 1 / weights, 0 or more, they add up to 1
    返り値 / returns : (feature, threshold, polarity, error)
        特徴の番号 (0 から)、しきい値、向き (+1 か -1)、誤差 / number of the feature, threshold, +1 or -1, error
    """
    ### BEGIN SOLUTION
    order, values = np.argsort(F.T), np.sort(F.T)  # (k, n): every feature by itself
    above = w[y == -1].sum() + np.cumsum(np.where(y == 1, w, -w)[order], axis=1)[:, :-1]  # error of polarity +1
    errors = np.stack([above, 1 - above], axis=-1)
    errors[values[:, 1:] == values[:, :-1]] = np.inf  # no cut between equal values
    feature, cut, flipped = np.unravel_index(np.argmin(errors), errors.shape)
    threshold = values[feature, cut : cut + 2].mean()
    return feature, threshold, 1 - 2 * flipped, errors[feature, cut, flipped]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-stump-one-feature", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

parts = ("feature", "threshold", "polarity", "error")
column = np.array([[4.0], [1.0], [3.0], [2.0]])
result = best_stump(column, np.array([1, -1, 1, -1]), np.full(4, 0.25))
assert_tuple(result, parts, "best_stump")
assert_close(result, [0, 2.5, 1, 0], "(feature, threshold, polarity, error)")
result = best_stump(column, np.array([-1, 1, -1, 1]), np.full(4, 0.25))
assert_close(
    result, [0, 2.5, -1, 0], "(feature, threshold, polarity, error)", hint="向きは試しましたか / the polarity?"
)
# 重い例をまちがえない / do not get the heavy one wrong
result = best_stump(column, np.array([1, 1, -1, -1]), np.array([0.125, 0.5, 0.125, 0.25]))
assert_close(
    result, [0, 1.5, -1, 0.125], "(feature, threshold, polarity, error)", hint="誤差は重みの合計です / weights!"
)
### BEGIN HIDDEN TESTS
from itertools import pairwise

decided = 0
for seed in range(14):
    rng = np.random.default_rng(1400 + seed)
    n = int(rng.integers(5, 16))
    F = rng.normal(0, 3, (n, 1)) - 4
    y = rng.permutation(np.where(np.arange(n) < 2 + n // 4, 1, -1)) * (1 if seed % 2 else -1)
    w = rng.uniform(0.1, 1, n)
    w /= w.sum()
    found = []
    inside = np.sort(F[:, 0])
    for low, high in pairwise(inside):
        for polarity in (1, -1):
            said = np.where(polarity * (F[:, 0] - (low + high) / 2) > 0, 1, -1)
            found.append((w[said != y].sum(), (low + high) / 2, polarity))
    found.sort()
    if found[1][0] - found[0][0] < 1e-6:
        continue  # too close to call
    decided += 1
    result = best_stump(F.copy(), y.copy(), w.copy())
    assert_tuple(result, parts, "best_stump")
    assert_close(result, [0, found[0][1], found[0][2], found[0][0]], f"best_stump (n={n}, k=1)")
if decided < 8:
    raise RuntimeError("this test decides too little: mend its seeds")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-stump-many-features", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

parts = ("feature", "threshold", "polarity", "error")
F = np.array([[5.0, 1.0, 0.2], [1.0, 2.0, 0.9], [4.0, 8.0, 0.1], [2.0, 9.0, 0.8]])
result = best_stump(F, np.array([-1, -1, 1, 1]), np.full(4, 0.25))
assert_tuple(result, parts, "best_stump")
assert_close(result, [1, 5, 1, 0], "(feature, threshold, polarity, error)", hint="特徴の番号は 0 から / numbers from 0")
### BEGIN HIDDEN TESTS
from itertools import pairwise

decided = 0
for seed in range(12):
    rng = np.random.default_rng(1420 + seed)
    n, k = int(rng.integers(6, 20)), int(rng.integers(2, 9))
    F = rng.normal(0, 1, (n, k)) * rng.uniform(0.1, 50, k)
    y = np.where(rng.random(n) < 0.5, 1, -1)
    if abs(y.sum()) == n:
        continue
    w = rng.uniform(0.05, 1, n)
    w /= w.sum()
    found = []
    for j in range(k):
        inside = np.sort(F[:, j])
        for low, high in pairwise(inside):
            for polarity in (1, -1):
                said = np.where(polarity * (F[:, j] - (low + high) / 2) > 0, 1, -1)
                found.append((w[said != y].sum(), j, (low + high) / 2, polarity))
    found.sort()
    if found[1][0] - found[0][0] < 1e-6:
        continue  # too close to call
    decided += 1
    result = best_stump(F.copy(), y.copy(), w.copy())
    assert_tuple(result, parts, "best_stump")
    error, j, threshold, polarity = found[0]
    assert_close(result, [j, threshold, polarity, error], f"best_stump (n={n}, k={k})")
if decided < 6:
    raise RuntimeError("this test decides too little: mend its seeds")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-stump-ties", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

parts = ("feature", "threshold", "polarity", "error")
# 値 2 が三つあるので、その間では切れない / there is no cut between equal values
F = np.array([[2.0], [1.0], [2.0], [2.0]])
result = best_stump(F, np.array([1, -1, -1, 1]), np.full(4, 0.25))
assert_tuple(result, parts, "best_stump")
assert_close(
    result,
    [0, 1.5, 1, 0.25],
    "(feature, threshold, polarity, error)",
    hint="同じ値の間では切れません / there is no cut between equal values",
)
### BEGIN HIDDEN TESTS
from itertools import pairwise

ties = 0
for seed in range(24):
    rng = np.random.default_rng(1440 + seed)
    # few different values, and weights that are parts of 64: sums are exact, so ties are exact in any order of adding
    n, k = [(8, 3), (10, 4), (7, 1), (9, 6)][seed % 4]
    F = rng.integers(0, 4, (n, k)).astype(float)
    F[:, 0] = [3, 3, 1, 1, 1, 2, 2, 1, 3, 0][:n]
    if seed % 3 == 0:
        F[:, -1] = F[:, 0]
    if seed % 5 == 0 and k > 1:
        F[:, 0] = 2.0  # a feature that never changes cannot be cut
    y = np.where(rng.random(n) < 0.5, 1, -1)
    w = np.bincount(rng.integers(0, n, 64), minlength=n) / 64
    found = []
    for j in range(k):
        inside = np.unique(F[:, j])
        for low, high in pairwise(inside):
            for polarity in (1, -1):
                said = np.where(polarity * (F[:, j] - (low + high) / 2) > 0, 1, -1)
                found.append((w[said != y].sum(), j, (low + high) / 2, -polarity))
    found.sort()
    ties += found[0][0] == found[1][0]
    result = best_stump(F.copy(), y.copy(), w.copy())
    assert_tuple(result, parts, "best_stump")
    error, j, threshold, minus_polarity = found[0]
    assert_close(
        result,
        [j, threshold, -minus_polarity, error],
        "best_stump (同じ値、同じ誤差 / equal values and ties)",
        hint="番号の小さい特徴、小さいしきい値、向き +1 の順 / smaller number, smaller threshold, polarity +1",
    )
if ties < 4:
    raise RuntimeError("this test has too few ties: mend its seeds")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 60 組の顔と顔でない窓で、10,344 個の特徴から一つだけ選ばせてみましょう。
# 講義の実習では、これを 20 回くり返すのに 20〜30 分かかりました。

# %% [markdown] tags=["lang-en"]
# Let it choose one of 10,344 features, on 60 pairs of windows. In the lecture, twenty such choices took 20 to 30 minutes.

# %%
y_known = y_patch[known]
start = time.process_time()
feature, threshold, polarity, error = best_stump(patch_F[known], y_known, np.full(len(y_known), 1 / len(y_known)))
seconds = time.process_time() - start
said = np.where(polarity * (patch_F[~known, feature] - threshold) > 0, 1, -1)
print(f"1 回 / one round: {seconds:.2f} 秒 / s   20 回なら / twenty: {20 * seconds:.1f} 秒 / s")
print(
    f"訓練の誤り / training error {error:.1%}   テストの正解率 / test accuracy {np.mean(said == y_patch[~known]):.1%}"
)
show_images(
    [patch_face, paint_feature(patch_face, table[feature])],
    titles=["平均顔", "選ばれた特徴"],
    inches=1.3,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 5. AdaBoost (11 点)
#
# 切り株一つでは心もとないので、何個も集めて **多数決** (重みつき) にします。
# 次の切り株には、**前の切り株がまちがえた例** を重く見させるのがこつです。
#
# 1. はじめの重みは、どの例も $w_i = 1/n$
# 2. $t = 1, \dots, T$ について
#    - 重み $\boldsymbol w$ のもとで一番よい切り株 $h_t$ と、その誤差 $\varepsilon_t$ を求める: `find_stump(F, y, w)`
#    - 発言力 $\displaystyle \alpha_t = \tfrac12 \ln \frac{1 - \varepsilon_t}{\varepsilon_t}$
#    - 重みを変える: $w_i \leftarrow w_i \, e^{-\alpha_t\, y_i\, h_t(\boldsymbol f_i)}$ (当たれば軽く、外れれば重く)。
#      そのあと、合計が 1 になるように割る
# 3. 強い判定: $\displaystyle S(\boldsymbol f) = \sum_t \alpha_t h_t(\boldsymbol f)$ が **0 より大きければ** 顔
#
# $\varepsilon_t = 0$ では $\alpha_t$ が無限大になるので、 $\varepsilon_t$ が $10^{-10}$ より小さければ $10^{-10}$ として計算します。
#
# AdaBoost には、美しい定理があります。 $T$ 個を集めたときの訓練の誤りの割合は、次の **上界** を超えません。
#
# $$\text{訓練の誤り} \;\le\; \prod_{t=1}^{T} 2\sqrt{\varepsilon_t (1 - \varepsilon_t)}$$
#
# どの切り株も「当てずっぽう ($\varepsilon = 0.5$) より少しまし」でありさえすれば、積はどんどん 0 に近づきます。
#
# `find_stump` は引数として渡される **関数** です。`best_stump` と同じ順に引数を取り、同じ四つの値を返します。

# %% [markdown] tags=["lang-en"]
# ## Question 5. AdaBoost (11 points)
#
# One stump is not much, so many of them vote. The trick: the next stump looks harder at **what the last ones got wrong**.
# (1) All weights are 1/n. (2) For $t = 1, \dots, T$: get the best stump and its error by `find_stump(F, y, w)`; its say is
# $\alpha_t = \tfrac12 \ln \frac{1-\varepsilon_t}{\varepsilon_t}$; multiply the weights by $e^{-\alpha_t y_i h_t}$ and
# divide by their sum. (3) The strong classifier says face where $S = \sum_t \alpha_t h_t$ is **greater than 0**. Where
# $\varepsilon_t$ is smaller than $10^{-10}$, compute with $10^{-10}$.
#
# A beautiful theorem: the share of training examples that the strong classifier gets wrong is never above the **bound**
# $\prod_t 2\sqrt{\varepsilon_t(1-\varepsilon_t)}$. As long as every stump is a little better than guessing, it goes to 0.
#
# `find_stump` is a **function** handed in: arguments and results as those of `best_stump`.


# %% nbgrader={"grade": false, "grade_id": "adaboost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adaboost(F, y, rounds, find_stump):
    """AdaBoost で切り株を集める / collect stumps by AdaBoost.

    F      : (n, k) の配列 / features
    y      : (n,) の配列。+1 か -1 / +1 or -1
    rounds : 切り株の数 T (1 以上) / number of stumps, 1 or more
    find_stump : 関数 find_stump(F, y, w) -> (feature, threshold, polarity, error)
    返り値 / returns : 次の四つを持つ辞書。どれも長さ T / a dict of four, each of length T
        "stumps" : [(feature, threshold, polarity), ...]
        "alphas" : 発言力 / how much each stump has to say
        "bound"  : 1, 2, ..., T 個集めたときの上界 / the bound after 1, 2, ..., T stumps
        "error"  : 1, 2, ..., T 個集めたときの訓練の誤りの割合 / share of training errors after 1, 2, ..., T stumps
    F と y は書きかえない / F and y stay as they are
    """
    ### BEGIN SOLUTION
    weights, score, bound = np.full(len(y), 1 / len(y)), np.zeros(len(y)), 1.0
    result = {"stumps": [], "alphas": [], "bound": [], "error": []}
    for _ in range(rounds):
        feature, threshold, polarity, error = find_stump(F, y, weights)
        error = max(error, 1e-10)
        alpha = np.log((1 - error) / error) / 2
        says_face = polarity * F[:, feature] > polarity * threshold
        weights = weights * np.where(says_face == (y == 1), np.exp(-alpha), np.exp(alpha))
        weights = weights / weights.sum()
        bound *= 2 * np.sqrt(error * (1 - error))
        score = score + np.where(says_face, alpha, -alpha)
        result["stumps"].append((feature, threshold, polarity))
        result["alphas"].append(alpha)
        result["bound"].append(bound)
        result["error"].append(np.mean((score > 0) != (y == 1)))
    return result
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-adaboost-weights", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

F = np.array([[1.0], [2.0], [3.0], [4.0]])
y = np.array([-1, -1, 1, -1])
seen = []


def three_fixed_stumps(F, y, w):
    """決まった切り株を順に返し、渡された重みを記録する / fixed stumps in turn; notes the weights it is given."""
    seen.append(np.array(w, dtype=float))
    feature, threshold, polarity = [(0, 2.5, 1), (0, 3.5, -1), (0, 0.5, -1)][(len(seen) - 1) % 3]
    said = np.where(polarity * (F[:, feature] - threshold) > 0, 1, -1)
    return feature, threshold, polarity, float(seen[-1][said != y].sum())


result = adaboost(F, y, 2, three_fixed_stumps)
message = '"stumps", "alphas", "bound", "error" を持つ辞書を返してください / return a dict with these four keys'
assert isinstance(result, dict), message
assert {"stumps", "alphas", "bound", "error"} <= set(result), message
assert len(seen) == 2, "find_stump は切り株一つにつき一回だけ呼びます / call find_stump once for each stump"
assert_close(seen[0], [0.25] * 4, "はじめの重み / weights at first")
assert_close(
    seen[1],
    [1 / 6, 1 / 6, 1 / 6, 1 / 2],
    "二回目の重み / weights of the second round",
    hint="まちがえた例の重みの合計は、ちょうど半分になります / the wrong ones weigh exactly one half",
)
assert_close(result["alphas"][0], np.log(3) / 2, "alphas[0]", hint="1/2 を忘れていませんか / did you forget 1/2?")
assert_close(result["stumps"], [(0, 2.5, 1), (0, 3.5, -1)], "stumps")
### BEGIN HIDDEN TESTS
for seed, n, k, rounds in [(1501, 12, 3, 4), (1502, 9, 2, 1), (1503, 17, 4, 6)]:
    rng = np.random.default_rng(seed)
    F, y = rng.normal(0, 1, (n, k)), np.where(rng.random(n) < 0.6, 1, -1)
    plan = [(int(rng.integers(0, k)), float(rng.normal(0, 0.5)), int(rng.choice([1, -1]))) for _ in range(rounds)]
    plan[0] = (0, float(F[1, 0]), plan[0][2])  # a threshold that is a value: neither side is greater than 0
    errors = rng.uniform(0.1, 0.6, rounds).tolist()
    given, F_before, y_before = [], F.copy(), y.copy()

    def planned(F, y, w, given=given, plan=plan, errors=errors):
        given.append(np.array(w, dtype=float))
        return (*plan[len(given) - 1], errors[len(given) - 1])

    votes, alphas, expected = np.zeros(n), [], []
    for (feature, threshold, polarity), error in zip(plan, errors, strict=True):
        # an independent way: the weights are exp(-y S), S the sum of all votes so far
        expected.append(np.exp(-y * votes) / np.exp(-y * votes).sum())
        alphas.append(np.arctanh(1 - 2 * error))
        votes += alphas[-1] * np.sign((polarity * (F[:, feature] - threshold) > 0) - 0.5)
    result = adaboost(F, y, rounds, planned)
    assert len(given) == rounds, "find_stump は切り株一つにつき一回だけ呼びます / call find_stump once for each stump"
    assert_close(
        given, expected, "重み / weights", hint="y と h が同じなら軽く、ちがえば重く / lighter where y equals h"
    )
    assert_close(result["alphas"], alphas, "alphas")
    assert_close(result["stumps"], plan, "stumps")
    assert np.array_equal(F, F_before), "F が書きかわっています / F was changed"
    assert np.array_equal(y, y_before), "y が書きかわっています / y was changed"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-adaboost-bound", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close


def always_a_quarter(F, y, w):
    """誤差 0.25 の切り株を返す / a stump with error 0.25."""
    return 0, 2.5, 1, 0.25


F, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([-1, -1, 1, -1])
result = adaboost(F, y, 2, always_a_quarter)
assert_close(result["error"], [0.25, 0.25], "error", hint="まちがえた例の「割合」です / the share of wrong ones")
assert_close(
    result["bound"], [np.sqrt(0.75), 0.75], "bound", hint="上界は掛け合わせていきます / the bound is a product"
)
### BEGIN HIDDEN TESTS
for seed, n, rounds in [(1511, 15, 5), (1512, 24, 3), (1513, 11, 6)]:
    rng = np.random.default_rng(seed)
    F, y = rng.normal(0, 1, (n, 3)), np.where(rng.random(n) < 0.5, 1, -1)
    plan = [(int(rng.integers(0, 3)), float(rng.normal(0, 0.7)), int(rng.choice([1, -1]))) for _ in range(rounds)]
    errors = rng.uniform(0.05, 0.48, rounds).tolist()
    # twice in a row the same error with opposite stumps: the votes cancel, and a sum of 0 is no face
    plan[1], errors[1] = (plan[0][0], plan[0][1], -plan[0][2]), errors[0]
    call = iter(range(rounds))

    def planned(F, y, w, call=call, plan=plan, errors=errors):
        number = next(call)
        return (*plan[number], errors[number])

    alphas = np.log(np.sqrt((1 - np.array(errors)) / np.array(errors)))
    votes = [np.where(p * F[:, f] > p * t, 1, -1) for f, t, p in plan]
    shares = []
    for t in range(1, rounds + 1):
        total = alphas[:t] @ np.array(votes[:t]) if t != 2 else np.zeros(n)
        shares.append(np.mean(np.where(total > 0, 1, -1) != y))
    bounds = [np.prod([2 * np.sqrt(e * (1 - e)) for e in errors[:t]]) for t in range(1, rounds + 1)]
    result = adaboost(F.copy(), y.copy(), rounds, planned)
    assert_close(result["error"], shares, "error", hint="重みのない、ただの割合です / a plain share, without weights")
    assert_close(result["bound"], bounds, "bound")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-adaboost-perfect", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close


def no_mistake(F, y, w):
    """まちがえない切り株 / a stump that is always right."""
    return 0, 1.5, 1, 0.0


result = adaboost(np.array([[1.0], [2.0], [3.0]]), np.array([-1, 1, 1]), 1, no_mistake)
assert_close(result["error"], [0], "error")
assert np.isfinite(np.array(result["alphas"], dtype=float)).all(), (
    "誤差が 0 でも alpha は無限大になりません / alpha stays finite where the error is 0"
)
### BEGIN HIDDEN TESTS
for smallest in (0.0, 1e-14, 3e-11):
    calls = []

    def nearly_perfect(F, y, w, calls=calls, smallest=smallest):
        calls.append(np.array(w, dtype=float))
        return 1, 0.0, -1, smallest

    F = np.array([[0.0, -1.0], [0.0, 2.0], [0.0, -3.0], [0.0, 0.5]])
    result = adaboost(F, np.array([1, -1, 1, -1]), 2, nearly_perfect)
    # the logarithm of 1e10, and the square root of 1e-10, from numbers that keep at least six digits of 1 - 1e-10
    assert_close(result["alphas"], [np.log(1e10 - 1) / 2] * 2, "alphas (誤差 0 / error 0)")
    assert_close(result["bound"][0], 2e-5, "bound (誤差 0 / error 0)", atol=0)
    assert_close(calls[1], [0.25] * 4, "重み (誤差 0 / error 0)")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# いよいよ学習です。切り株を 20 個集めます (一回に 1 秒以上かかる実装なら 3 個にします)。
# 上の図で、訓練の誤りがいつも上界以下であることを確かめてください。下は、はじめに選ばれた特徴です。
# 青い線は、訓練に使わなかった 40 組での誤りです。こちらも 0 に近づくでしょうか。定理が約束するのは、**訓練** の誤りだけです。

# %% [markdown] tags=["lang-en"]
# Now train: 20 stumps (3, if one takes a second or more). The training error is never above the bound. Below: the first
# features it chose. The blue line is the error on the 40 pairs that were not used for training. Does it go to 0 as well?
# The theorem promises something about the **training** error only.

# %%
rounds = 20 if seconds < 1 else 3
start = time.perf_counter()
boosted = adaboost(patch_F[known], y_known, rounds, best_stump)
print(
    f"{rounds} 個の学習 / stumps: {time.perf_counter() - start:.2f} 秒 / s (講義の実習では 20〜30 分 / 20 to 30 minutes)"
)

vote = np.zeros(np.sum(~known))
accuracy = []
for (feature, threshold, polarity), alpha in zip(boosted["stumps"], boosted["alphas"], strict=True):
    vote += alpha * np.where(polarity * (patch_F[~known, feature] - threshold) > 0, 1, -1)
    accuracy.append(np.mean((vote > 0) == (y_patch[~known] > 0)))
corner = patches.images[~known][:, [0, 0, -1, -1], [0, -1, 0, -1]].min(axis=1)
print(f"テストの正解率 / test accuracy: {accuracy[-1]:.1%}")
print(
    f"「黒い隅があれば顔でない」だけの判定 / no face if a corner is black: {np.mean((corner > 1 / 255) == patches.is_face[~known]):.1%}"
)
orl = window_features(face_mosaic, face_places, table[[feature for feature, _, _ in boosted["stumps"]]])
vote = sum(
    alpha * np.where(polarity * (orl[:, number] - threshold) > 0, 1, -1)
    for number, ((_, threshold, polarity), alpha) in enumerate(zip(boosted["stumps"], boosted["alphas"], strict=True))
)
print(f"別の顔データ (ORL) 600 枚のうち顔と判定 / of 600 ORL faces: {np.mean(vote > 0):.1%}")

figure, axis = plt.subplots(figsize=(5.5, 2.8))
axis.plot(range(1, rounds + 1), boosted["bound"], "k--", label="上界 / bound")
axis.plot(range(1, rounds + 1), boosted["error"], "C1o-", label="訓練の誤り / training error")
axis.plot(range(1, rounds + 1), 1 - np.array(accuracy), "C0s-", label="テストの誤り / test error")
axis.set_xlabel("切り株の数 / stumps")
axis.set_ylabel("誤りの割合 / share of errors")
axis.set_ylim(-0.02, 0.5)
axis.set_xticks(range(1, rounds + 1, 2 if rounds < 10 else 3))
axis.legend(fontsize=8)
figure.tight_layout()
plt.show()
show_images(
    [paint_feature(patch_face, table[feature]) for feature, _, _ in boosted["stumps"][:4]],
    titles=[f"α = {alpha:.2f}" for alpha in boosted["alphas"][:4]],
    inches=1.3,
    suptitle="はじめの特徴 / the first features",
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 記述 1 (5 点)
#
# 上の結果を見て答えてください。まだ学習が動いていなければ、最初に見た `lfw_subset` の画像だけから答えられるところを書いてください。
#
# 1. `lfw_subset` の「顔でない」画像には、顔の画像にはない手がかりがあります。それは何ですか。
#    その手がかりだけの判定の正解率と、学習した判定の正解率を並べ、なぜ困るのかを書いてください。
# 2. 組 (`patches.group`) ごとではなく、200 枚をばらばらに訓練とテストに分けると、何がいけないのですか。
#
# 全部で 4〜8 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 1 (5 points)
#
# (1) The "not a face" pictures of `lfw_subset` hold a clue that no face has. Which one? Set the accuracy of that clue alone
# beside that of the trained classifier, and say why it is a trouble. (2) What would be wrong with splitting the 200
# pictures one by one, and not pair by pair? Four to eight lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-short-cut", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 顔でない画像の多くには、写真の外にはみ出した真っ黒な隅がある (100 枚中 65 枚、顔には 1 枚もない)。隅が黒いかどうかだけで
#    78.8 % 当たり、学習した判定は 93.8 % だった。高い正解率のかなりの部分は、顔を見なくても「切り抜き方の癖」だけで出せる。
#    本物の写真を走査するとき、窓に黒い隅はないので、この近道 (short cut) は役に立たず、正解率は実力より高く見える。
# 2. 同じ写真から切り出した二枚 (顔とその背景) が訓練とテストに分かれる。明るさや画質などその写真に固有のことを覚えているだけでも
#    テストで当たり、知らない写真での成績より良く (または歪んで) 見える。テストは訓練と無関係な写真でなければならない。
#
# === BEGIN MARK SCHEME ===
# 1 (3 点): 黒い隅に 1 点。二つの正解率を並べていれば 1 点 (切り株 20 個でなければ値がちがってよい)。
#    「顔を見ていなくても当たる」「本番の窓では使えない」のどちらかに 1 点。
# 2 (2 点): 同じ写真が両側に入ることに 1 点。テストが「知らない写真」でなくなり成績が信用できないことに 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## 問 6. 注意のカスケード (10 点)
#
# 900×600 画素の写真には、調べるべき窓が何万個もありますが、顔はせいぜい十数個です。
# すべての窓を同じだけ念入りに調べるのは無駄です。そこで、判定を **段** (stage) に分けて直列につなぎます。
#
# > 窓 → 1 段目 (切り株 3 個) → 2 段目 (10 個) → 3 段目 (25 個) → … → 顔
#
# どの段でも、 **得点がしきい値に届かない窓はその場で捨て**、先の段では調べません。
# 人の視覚でいえば、素早く大ざっぱな処理が候補を絞り、そこに **注意** を向けるようなものです。
#
# 途中で捨てた顔は二度と戻りません。だから各段のしきい値は、**顔をほとんど落とさない** ように低く決めます。
#
# 1. `stage_threshold(scores, is_face, rate)`: 顔の得点のうち **`rate` 以上の割合** がしきい値以上になるような、**一番高い** しきい値を
#    返します。候補は顔の得点そのものです (例: 顔の得点が 1, 2, 3, 4 で `rate = 0.75` なら 2)。顔でない例の得点は使いません
# 2. `run_cascade(F, stages)`: 窓を段に順に通し、通ったかどうかと、**調べた切り株の数** を返します。
#    段の得点は、上で用意した `stage_score(F, stage)` で求められます。
#    得点が `stage["threshold"]` **以上** なら次の段へ進みます。捨てた段の切り株は、調べた数に入ります

# %% [markdown] tags=["lang-en"]
# ## Question 6. The attentional cascade (10 points)
#
# A photograph of 900×600 holds tens of thousands of windows and a dozen faces. So the judgement is split into **stages**:
# 3 stumps, then 10, then 25, … A window whose score stays below the threshold of a stage is **thrown away at once** and
# never looked at again, much as a quick and coarse look guides attention. A face that is lost stays lost, so the thresholds
# are set low enough to lose hardly any face.
#
# (1) `stage_threshold(scores, is_face, rate)`: the **highest** threshold at which **at least the share `rate`** of the faces
# scores at or above it. Candidates are the faces' own scores (1, 2, 3, 4 and rate 0.75: 2). (2) `run_cascade(F, stages)`:
# which windows pass every stage, and **how many stumps each was looked at with** (those of the stage that rejects it
# included). `stage_score(F, stage)` above gives the scores; a score **at or above** `stage["threshold"]` passes.


# %% nbgrader={"grade": false, "grade_id": "cascade", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stage_threshold(scores, is_face, rate):
    """望む検出率を保つ、一番高いしきい値 / the highest threshold that keeps the wanted detection rate.

    scores  : (n,) の配列。段の得点 / scores of a stage
    is_face : (n,) の真偽値の配列。顔なら True。一つは True / True for faces; there is at least one
    rate    : 望む検出率 (0 より大きく 1 以下) / wanted share of faces, above 0, at most 1
    返り値 / returns : しきい値 (顔の得点の一つ) / the threshold, one of the faces' scores
    """
    ### BEGIN SOLUTION
    falling = np.sort(scores[is_face])[::-1]
    share = (np.arange(len(falling)) + 1) / len(falling)
    return falling[np.argmax(share >= rate)]
    ### END SOLUTION


def run_cascade(F, stages):
    """窓をカスケードに通す / send windows through a cascade.

    F      : (n, k) の配列 / features of n windows
    stages : 辞書のリスト / a list of {"stumps": [(feature, threshold, polarity), ...], "alphas": [...], "threshold": 数}
    返り値 / returns : (accepted, looked)
        accepted : (n,) 真偽値。すべての段を通れば True / True where every stage was passed
        looked   : (n,) 調べた切り株の数 / number of stumps that were looked at
    """
    ### BEGIN SOLUTION
    accepted, looked = np.ones(len(F), dtype=bool), np.zeros(len(F))
    for stage in stages:
        looked[accepted] += len(stage["stumps"])
        accepted[accepted] = stage_score(F[accepted], stage) >= stage["threshold"]
    return accepted, looked
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-stage-threshold", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

scores = np.array([3.0, -5.0, 1.0, 9.0, 4.0, 2.0])
is_face = np.array([True, False, True, False, True, True])
hint = "顔の得点だけを見ます。しきい値「以上」の顔が rate 以上です / faces only; at least rate of them at or above"
assert_close(stage_threshold(scores, is_face, 0.75), 2, "stage_threshold (rate=0.75)", hint=hint)
assert_close(stage_threshold(scores, is_face, 1.0), 1, "stage_threshold (rate=1)", hint=hint)
assert_close(stage_threshold(scores, is_face, 0.6), 2, "stage_threshold (rate=0.6)", hint=hint)
### BEGIN HIDDEN TESTS
for seed, n in [(1601, 30), (1602, 13), (1603, 57)]:
    rng = np.random.default_rng(seed)
    scores, is_face = rng.normal(0, 2, n).round(1), rng.random(n) < 0.5
    is_face[:2] = True
    for rate in (1.0, 0.9931, 0.871, 0.5, 0.321, 0.013):
        right = max(
            cut for cut in scores[is_face].tolist() if np.sum(scores[is_face] >= cut) >= rate * is_face.sum() - 1e-9
        )
        result = stage_threshold(scores.copy(), is_face.copy(), rate)
        assert_close(result, right, f"stage_threshold (n={n})", hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-run-cascade", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

two_stages = [
    {"stumps": [(0, 0.5, 1)], "alphas": [1.0], "threshold": 0.0},
    {"stumps": [(1, 2.0, -1), (0, 5.0, 1)], "alphas": [1.0, 0.25], "threshold": 0.75},
]
windows = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 3.0], [9.0, 1.0]])
result = run_cascade(windows, two_stages)
assert_tuple(result, ("accepted", "looked"), "run_cascade")
assert_close(
    result[0],
    [False, True, False, True],
    "accepted",
    hint="しきい値と等しければ通ります / a score equal to the threshold passes",
)
assert_close(
    result[1],
    [1, 3, 3, 3],
    "looked",
    hint="捨てられた窓は、先の段では調べません / rejected windows are not looked at again",
)
### BEGIN HIDDEN TESTS
for seed, n, k, sizes in [(1611, 40, 5, (2, 3, 4)), (1612, 25, 3, (1,)), (1613, 60, 4, (1, 2, 3, 5)), (1614, 9, 2, ())]:
    rng = np.random.default_rng(seed)
    F = rng.normal(0, 1, (n, k))
    stages = []
    for size in sizes:
        stumps = [(int(rng.integers(0, k)), float(rng.normal(0, 0.6)), int(rng.choice([1, -1]))) for _ in range(size)]
        # say in parts of 8: scores are exact, and many of them equal the threshold
        alphas = (rng.integers(1, 5, size) / 8).tolist()
        stages.append({"stumps": stumps, "alphas": alphas, "threshold": float(alphas[0] - sum(alphas[1:]))})
    accepted, looked = [], []
    for window in F:
        alive, count = True, 0
        for stage in stages:
            if alive:
                votes = [np.sign(p * (window[f] - t)) for f, t, p in stage["stumps"]]
                count += len(votes)
                alive = sum(a * v for a, v in zip(stage["alphas"], votes, strict=True)) >= stage["threshold"]
        accepted.append(alive)
        looked.append(count)
    result = run_cascade(F.copy(), [dict(stage) for stage in stages])
    assert_tuple(result, ("accepted", "looked"), "run_cascade")
    assert_close(result[0], accepted, f"accepted (n={n}, {len(sizes)} 段 / stages)")
    assert_close(result[1], looked, f"looked (n={n}, {len(sizes)} 段 / stages)")
# a first stage that nobody passes
closed = [{"stumps": [(0, 0.0, 1)], "alphas": [1.0], "threshold": 2.0}, *two_stages]
result = run_cascade(windows.copy(), closed)
assert_close(result[0], [False] * 4, "accepted (誰も通れない段 / nobody passes)")
assert_close(result[1], [1] * 4, "looked (誰も通れない段 / nobody passes)")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 本物のカスケードを作ります。段が進むほど切り株を増やし、「顔でない」の見本には、**前の段を通ってしまった窓** だけを使います。
# 後ろの段ほど、手ごわい相手と戦うわけです。最後の段だけは、検出率を 0.85 に下げて厳しくします。
# (数秒で終わりますが、`best_stump` がしきい値ごとに数え直す書き方だと、何分もかかります。そのときは ■ で止めて先に進んでください。
# このあとは、用意した検出器で動きます。)

# %% [markdown] tags=["lang-en"]
# A real cascade: every stage has more stumps than the last, and its examples of "not a face" are only windows **that
# passed the stages before**: later stages fight harder opponents. The last stage is stricter (detection rate 0.85). This
# takes seconds, but minutes if your `best_stump` counts anew for every threshold: then stop the cell (■) and go on; what
# follows will use the detector prepared above.

# %%
start = time.perf_counter()
own_stages, alive = [], other_F
for size, rate in [(3, 0.995), (10, 0.995), (25, 0.99), (40, 0.85)]:
    sample = np.random.default_rng(size).permutation(len(alive))[:600]
    F_stage = np.concatenate([face_F, alive[sample]])
    y_stage = np.repeat([1, -1], [len(face_F), len(sample)])
    boosted_stage = adaboost(F_stage, y_stage, size, best_stump)
    stage = {"stumps": boosted_stage["stumps"], "alphas": boosted_stage["alphas"]}
    stage["threshold"] = float(stage_threshold(stage_score(F_stage, stage), y_stage > 0, rate))
    own_stages.append(stage)
    passed, _ = run_cascade(alive, [stage])
    print(f"切り株 / stumps {size:2d}: 残った「顔でない」窓 / others left {np.mean(passed):6.1%}   {np.sum(passed)} 枚")
    alive = alive[np.array(passed, dtype=bool)]
_, looked = run_cascade(other_F, own_stages)
print(
    f"一窓あたり / per window: 平均 {np.mean(looked):.1f} 個 (全部で 78 個 / of 78), {time.perf_counter() - start:.1f} 秒 / s"
)
detector_stages = own_stages  # ここまで動けば、このあとは自分の検出器を使う / from here on, your own detector

# %% [markdown] tags=["lang-ja"]
# ---
# # C. 検出
#
# ## 問 7. 窓をすべらせる (7 点)
#
# 写真のどこに、どんな大きさの顔があるかは分かりません。そこで、正方形の窓を **あらゆる場所に、いろいろな大きさで** 置きます。
#
# - $k = 0, 1, 2, \dots$ 番目の大きさは $s_k = \lfloor \text{smallest} \times \text{factor}^k \rfloor$ 画素 (小数点以下は切り捨て)
# - その大きさでの歩幅は $\lfloor \text{stride} \times s_k \rfloor$ 画素。ただし **最低 1 画素** です (大きい窓ほど大またに動かします)
# - x も y も 0 から始め、歩幅ずつ進めます。窓が **写真からはみ出さない** 限り続けます (端にぴったり接する窓は含みます)
# - 大きさが写真の縦か横を超えたら終わりです
#
# `factor` が 1 以下だと終わらないので、`ValueError` を出してください。返す順番は問いません。

# %% [markdown] tags=["lang-en"]
# ---
# # C. Detection
#
# ## Question 7. The sliding window (7 points)
#
# Nobody knows where a face is and how large, so square windows go **everywhere, in many sizes**. Size number $k$ is
# smallest × factor$^k$, decimals cut off; its step is stride × size, decimals cut off, **at least 1 pixel**. Both x and y
# start at 0 and go on by steps as long as the window **stays inside** (one that just touches the edge counts). Stop when the
# size exceeds the width or the height. A `factor` of 1 or less would never end: raise `ValueError`. Any order will do.


# %% nbgrader={"grade": false, "grade_id": "sliding-windows", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sliding_windows(width, height, smallest, factor, stride):
    """写真の中の、すべての窓 / every window of a picture.

    width, height : 写真の幅と高さ (画素) / of the picture, in pixels
    smallest      : 一番小さい窓の一辺 (画素) / side of the smallest windows, in pixels
    factor        : 大きさの倍率 (1 より大きい) / each size is so many times the last one, more than 1
    stride        : 歩幅。窓の一辺に対する割合 / step, as a share of the side
    返り値 / returns : (m, 4) の整数の配列かリスト。一行が (x, y, 幅, 高さ) / array or list of whole numbers (x, y, w, h)
    factor が 1 以下なら ValueError を出す / raise ValueError if factor is 1 or less
    """
    ### BEGIN SOLUTION
    if factor <= 1:
        raise ValueError(f"factor must be more than 1: {factor}")
    boxes, exact = [], smallest
    while True:
        side = int(exact)
        step = max(1, int(stride * side))
        here = [(x, y, side, side) for y in range(0, height - side + 1, step) for x in range(0, width - side + 1, step)]
        if not here:
            return boxes
        boxes += here
        exact *= factor
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-sliding-one-size", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close
from saiten.pictures import attach_pictures

# 5 x 4 の写真に 3 x 3 の窓を 1 画素ずつ / windows of 3 x 3 in a picture 5 wide and 4 high, step 1
boxes = np.array(sliding_windows(5, 4, 3, 2.0, 0.4))
right = [(x, y, 3, 3) for y in (0, 1) for x in (0, 1, 2)]
hint = (
    "端にぴったり接する窓を忘れていませんか。x は横、y は縦です / windows that touch the edge? x is across, y is down"
)
with attach_pictures("sliding_windows", boxes, right, show_expected=True, boxes_on=np.zeros((4, 5))):
    assert_close(boxes.shape, (6, 4), "sliding_windows の形 / shape", hint=hint)
    assert_close(sorted(boxes.tolist()), sorted(right), "sliding_windows", hint=hint)
### BEGIN HIDDEN TESTS
for width, height, side, stride in [
    (23, 17, 6, 0.5),
    (17, 23, 6, 0.5),
    (12, 12, 12, 0.3),
    (30, 21, 11, 0.27),
    (9, 14, 5, 0.1),
]:
    step = max(1, int(np.floor(stride * side)))
    right = [
        (x, y, side, side)
        for x in range(width)
        for y in range(height)
        if x % step == 0 and y % step == 0 and x + side <= width and y + side <= height
    ]
    # the next size does not fit any more
    boxes = np.array(sliding_windows(width, height, side, 5.0, stride))
    assert_close(boxes.shape, (len(right), 4), f"sliding_windows の形 / shape ({width} x {height})", hint=hint)
    assert_close(sorted(boxes.tolist()), sorted(right), f"sliding_windows ({width} x {height})", hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-sliding-sizes", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

sides = np.array(sliding_windows(40, 30, 10, 1.5, 0.5))[:, 2]
hint = "大きさは smallest x factor の k 乗の切り捨てです / sides are smallest times factor to the k, decimals cut off"
assert_close(sorted(set(sides.tolist())), [10, 15, 22], "窓の大きさ / sizes", hint=hint)
assert len(sliding_windows(40, 30, 31, 1.5, 0.5)) == 0, "写真より大きい窓はありません / no window exceeds the picture"
for factor in (1.0, 0.5):
    try:
        sliding_windows(40, 30, 10, factor, 0.5)
    except ValueError:
        pass
    else:
        raise AssertionError(
            "factor が 1 以下のときは ValueError を出してください / raise ValueError for factor 1 or less"
        )
### BEGIN HIDDEN TESTS
for width, height, smallest, factor, stride in [
    (50, 37, 7, 1.3, 0.4),
    (31, 64, 12, 1.25, 0.35),
    (45, 45, 20, 1.5, 0.26),
]:
    right = []
    for power in range(30):
        side = int(smallest * factor**power)
        if side > width or side > height:
            break
        step = max(1, int(stride * side))
        across, down = np.meshgrid(np.arange(0, width - side + 0.5, step), np.arange(0, height - side + 0.5, step))
        right += [(int(x), int(y), side, side) for x, y in zip(across.ravel(), down.ravel(), strict=True)]
    boxes = np.array(sliding_windows(width, height, smallest, factor, stride))
    assert_close(boxes.shape, (len(right), 4), f"sliding_windows の形 / shape ({width} x {height})", hint=hint)
    assert_close(sorted(boxes.tolist()), sorted(right), f"sliding_windows ({width} x {height})", hint=hint)
assert len(np.array(sliding_windows(24, 60, 24, 2.0, 0.5))) == 4, (
    "幅いっぱいの窓もあります / windows as wide as the picture"
)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 900×600 の写真 1 枚に、窓はいくつあるでしょうか。それぞれの窓で 10,344 個の特徴を調べたら、とても間に合いません。

# %% [markdown] tags=["lang-en"]
# How many windows does one photograph of 900×600 hold? With 10,344 features each, this would take for ever.

# %%
windows_900 = np.array(sliding_windows(900, 600, 60, 1.2, 0.1))
for side, count in zip(*np.unique(windows_900[:, 2], return_counts=True), strict=True):
    print(f"{side:4d} 画素 / pixels: {count:6,} 枚 / windows")
print(f"合計 / in all: {len(windows_900):,}")

# %% [markdown] tags=["lang-ja"]
# ## 問 8. 重なりをまとめる — IoU と NMS (10 点)
#
# 顔が一つあると、少しずつずれた何十もの窓が「顔だ」と答えます。これを一つにまとめます。
#
# 二つの長方形の重なりぐあいは、 **IoU** (intersection over union、積集合 ÷ 和集合) ではかります。
#
# $$\mathrm{IoU}(A, B) = \frac{\lvert A \cap B \rvert}{\lvert A \cup B \rvert} = \frac{\text{共通部分の面積}}{\text{二つを合わせた部分の面積}}$$
#
# ぴったり同じなら 1、離れていれば 0 です。**非極大値抑制** (NMS, non-maximum suppression) は次の手順です。
#
# 1. 残っている枠のうち、得点が一番高いもの (同点なら **番号の小さい** もの) を採用する
# 2. それとの IoU が `max_iou` **より大きい** 枠を、残りから捨てる
# 3. 枠がなくなるまでくり返す
#
# 枠は (x, y, 幅, 高さ) で、小数のこともあります。面積は 幅 × 高さ です。

# %% [markdown] tags=["lang-en"]
# ## Question 8. One frame for one face: IoU and NMS (10 points)
#
# One face makes dozens of slightly shifted windows say "face". How much two rectangles overlap is measured by **IoU**:
# area of the intersection over area of the union, 1 for equal ones, 0 for separate ones. **Non-maximum suppression**: (1)
# accept the box with the highest score of those left (at a tie, the **smaller number**); (2) throw away every box whose IoU
# with it is **greater than** `max_iou`; (3) repeat until none is left. Boxes are (x, y, width, height), perhaps with
# decimals; the area is width × height.


# %% nbgrader={"grade": false, "grade_id": "iou-nms", "locked": false, "schema_version": 3, "solution": true, "task": false}
def iou(box, boxes):
    """一つの枠と、ほかの枠との IoU / IoU of one box with others.

    box   : (4,) (x, y, 幅, 高さ) / x, y, width, height
    boxes : (m, 4) の配列 / an array of boxes
    返り値 / returns : (m,) 0 から 1 / from 0 to 1
    """
    ### BEGIN SOLUTION
    first = np.maximum(box[:2], boxes[:, :2])
    last = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.maximum(last - first, 0).prod(axis=1)
    return shared / (box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared)
    ### END SOLUTION


def nms(boxes, scores, max_iou):
    """非極大値抑制 / non-maximum suppression.

    boxes   : (m, 4) の配列。m は 0 でもよい / boxes, perhaps none
    scores  : (m,) の配列。得点 / scores
    max_iou : これより大きく重なる枠を捨てる / boxes that overlap more than this are thrown away
    返り値 / returns : 採用した枠の番号のリスト。得点の高い順 / numbers of the accepted boxes, highest score first
    """
    ### BEGIN SOLUTION
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left) > 0:
        kept.append(int(left[0]))
        left = left[1:][iou(boxes[left[0]], boxes[left[1:]]) <= max_iou]
    return kept
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-iou", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

box = np.array([0.0, 0.0, 4.0, 2.0])
others = np.array([[0.0, 0, 4, 2], [2, 0, 4, 2], [1, 0, 2, 1], [9, 9, 1, 1], [4, 0, 4, 2]])
assert_close(
    iou(box, others),
    [1, 1 / 3, 1 / 4, 0, 0],
    "iou",
    hint="和集合の面積は、二つの面積の和から共通部分を一度引いたもの / union: both areas minus the shared one",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1801)
for _ in range(6):
    boxes = np.column_stack([rng.integers(0, 14, (9, 2)), rng.integers(1, 12, (9, 2))]).astype(float)
    boxes[3] = [boxes[0, 0] + 30, boxes[0, 1], 3, 5]  # beside it, and above it: no overlap in one direction only
    boxes[4] = [boxes[0, 0], boxes[0, 1] + 40, 6, 2]
    boxes[5] = [boxes[0, 0] + 30, boxes[0, 1] + 40, 2, 2]
    # an independent way: count the pixels of masks
    masks = np.zeros((9, 80, 80), dtype=bool)
    for number, (x, y, w, h) in enumerate(boxes.astype(int)):
        masks[number, y : y + h, x : x + w] = True
    right = (masks & masks[0]).sum(axis=(1, 2)) / (masks | masks[0]).sum(axis=(1, 2))
    offset = np.array([1, 2, 0, 0])
    assert_close(iou(boxes[0].copy(), boxes.copy()), right, "iou")
    assert_close(iou(boxes[0] / 8 - offset, boxes / 8 - offset), right, "iou (小数 / decimals)")
    assert_close(iou(boxes[0].astype(int), boxes.astype(int)), right, "iou (整数 / whole numbers)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-nms", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

boxes = np.array([[0.0, 0, 10, 10], [1, 0, 10, 10], [20, 20, 8, 8], [0, 5, 10, 10]])
# IoU: 0 と 1 は 9/11、0 と 3 は 1/3 / boxes 0 and 1: 9/11, boxes 0 and 3: 1/3
assert_close(nms(boxes, np.array([0.9, 0.8, 0.1, 0.7]), 0.4), [0, 3, 2], "nms", hint="得点の高い順です / highest first")
assert_close(
    nms(boxes, np.array([0.8, 0.9, 0.1, 0.7]), 0.2), [1, 2], "nms", hint="捨てるのは重なりが大きい枠 / overlaps"
)
assert len(nms(np.zeros((0, 4)), np.zeros(0), 0.3)) == 0, "枠がなければ空のリストを返します / no boxes: an empty list"


### BEGIN HIDDEN TESTS
def overlap_by_pixels(boxes):
    """画素を数えて求めた IoU の表 / IoU of all pairs, by counting pixels."""
    masks = np.zeros((len(boxes), 40, 40), dtype=bool)
    for number, (x, y, w, h) in enumerate(np.asarray(boxes).astype(int)):
        masks[number, y : y + h, x : x + w] = True
    flat = masks.reshape(len(boxes), -1).astype(int)
    shared = flat @ flat.T
    area = flat.sum(axis=1)
    return shared / (area[:, None] + area - shared)


for seed, m, max_iou in [(1811, 12, 0.3), (1812, 60, 0.5), (1813, 25, 0.1), (1814, 1, 0.5), (1815, 30, 0.0)]:
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([rng.integers(0, 28, (m, 2)), rng.integers(3, 12, (m, 2))]).astype(float)
    # few different scores: many ties
    scores = rng.integers(-3, 4, m) / 4
    table_of_iou = overlap_by_pixels(boxes)
    right = []
    for number in sorted(range(m), key=lambda i: (-scores[i], i)):
        if all(table_of_iou[number, other] <= max_iou + 1e-12 for other in right):
            right.append(number)
    result = nms(boxes.copy(), scores.copy(), max_iou)
    assert len(result) == len(set(np.array(result).tolist())), "同じ枠が二度採用されています / a box was accepted twice"
    assert_close(result, right, f"nms (m={m})", hint="同点なら番号の小さい枠が先 / ties: smaller number first")
# an overlap of exactly one half is not greater than one half (areas in powers of two: no rounding)
boxes = np.array([[0.0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 4, 1]])
assert_close(
    nms(boxes, np.array([3.0, 2.0, 1.0]), 0.5), [0, 1, 2], "nms (IoU がちょうど max_iou / IoU equal to max_iou)"
)
# a box that was thrown away throws nobody else away
chain = np.array([[0.0, 0, 10, 4], [4, 0, 10, 4], [8, 0, 10, 4], [12, 0, 10, 4]])
assert_close(nms(chain, np.array([4.0, 3.0, 2.0, 1.0]), 0.3), [0, 2], "nms (ずれて並ぶ枠 / a chain of boxes)")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 部品がそろいました。写真 1 枚を調べてみます。左はカスケードを通った窓のすべて、右は NMS のあとに残った枠です。
# (問 4〜6 が終わっていれば自分で学習したカスケード、まだなら用意した判定を使います。)

# %% [markdown] tags=["lang-en"]
# All parts are there: search one photograph. Left: every window that passed the cascade. Right: what NMS leaves. (With your
# own cascade, if questions 4 to 6 are done, else with the one prepared above.)


# %%
def detect(picture, stages):
    """写真の中の顔 / faces in a picture: (枠 boxes、通った窓 windows that passed、調べた数の平均 stumps per window)."""
    boxes = np.array(sliding_windows(*picture.shape[::-1], 60, 1.2, 0.1))
    used = np.unique([stump[0] for stage in stages for stump in stage["stumps"]])  # 使う特徴だけ / only those in use
    F = np.zeros((len(boxes), len(few)), dtype=np.float32)
    F[:, used] = window_features(picture, boxes, few[used])
    accepted, looked = run_cascade(F, stages)
    accepted = np.array(accepted, dtype=bool)
    scores = stage_score(F[accepted], stages[-1])
    return boxes[accepted][nms(boxes[accepted], scores, 0.2)], boxes[accepted], float(np.mean(looked))


scene, truth = scenes[0]
start = time.perf_counter()
found, passed, looked_mean = detect(scene, detector_stages)
print(f"{time.perf_counter() - start:.2f} 秒 / s、一窓あたり切り株 {looked_mean:.1f} 個 / stumps per window")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
draw_boxes(left, scene, {"C0": passed}, f"カスケードを通った窓 / passed: {len(passed)}")
draw_boxes(
    right, scene, {"white": truth, "C1": found}, f"NMS のあと / after NMS: {len(found)} (白は正解 / white: truth)"
)
figure.tight_layout()
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 9. 成績をつける — 適合率と再現率 (9 点)
#
# 検出の成績は、次の四つの数から求めます。
#
# | | 本当は顔 | 本当は顔でない |
# |---|---|---|
# | 「顔」と答えた | **tp** (当たり) | **fp** (誤警報) |
# | 「顔でない」と答えた | **fn** (見逃し) | **tn** (正しい棄却) |
#
# - **適合率** (precision): 「顔」と **答えたもの** のうち、本当に顔だった割合
# - **再現率** (recall): **本当の顔** のうち、見つけた割合 (心理学の信号検出理論でいう **ヒット率**)
# - **F1**: 適合率 $P$ と再現率 $R$ の調和平均 $\displaystyle F_1 = \frac{2 P R}{P + R}$
# - **つり合いのとれた誤り** (balanced error): 「本当の顔を見逃した割合」と「顔でないものを顔と答えた割合」の平均
#
# 講義の実習ノートでは、再現率を `tp / (tp + fp)` と書き、F1 の 2 を忘れ、誤りを `1 - 正解率` としていました。
# 三つとも、つい書いてしまうまちがいです。表のどの列、どの行で割るのかを、言葉から考えてください。
#
# 1. `match_detections(overlap, min_iou)`: `overlap[i, j]` は、i 番目の検出 (**得点の高い順**) と j 番目の正解との IoU です。
#    検出を上から順に見て、**まだ相手のいない** 正解のうち IoU が最大のものが `min_iou` **以上** なら、その二つを組にします
#    (同じ IoU なら番号の小さい正解)。一つの正解に組は一つだけ。組になれなかった検出は fp、残った正解は fn です
# 2. `detection_scores(tp, fp, fn, tn)`: 四つの成績を辞書で返します。「顔」と一度も答えていなければ (tp + fp = 0)、適合率は 0 とします。
#    適合率も再現率も 0 なら、F1 も 0 とします

# %% [markdown] tags=["lang-en"]
# ## Question 9. Marks: precision and recall (9 points)
#
# Four counts: **tp** (said face, is one), **fp** (said face, is none), **fn** (missed a face), **tn** (rightly rejected).
# **Precision**: of what was **called** a face, the share that is one. **Recall**: of the **true** faces, the share that was
# found (the hit rate of signal detection theory). **F1** $= 2PR/(P+R)$. **Balanced error**: the mean of the share of faces
# missed and the share of non-faces called faces. The lecture's notebook has `tp / (tp + fp)` for recall, F1 without the 2,
# and `1 - accuracy` for the error; all three slip in easily.
#
# (1) `match_detections(overlap, min_iou)`: `overlap[i, j]` is the IoU of detection i (**highest score first**) with true box
# j. Go through the detections; of the true boxes **still free**, take the one with the largest IoU (at a tie, the smaller
# number); if that is **at least** `min_iou`, the two are a pair. Detections without a partner are fp, true boxes fn.
# (2) `detection_scores(tp, fp, fn, tn)`: the four marks in a dict. Where nothing was called a face, precision is 0; where
# precision and recall are both 0, so is F1.


# %% nbgrader={"grade": false, "grade_id": "detection-scores", "locked": false, "schema_version": 3, "solution": true, "task": false}
def match_detections(overlap, min_iou):
    """検出と正解を組にする / pair detections with true boxes.

    overlap : (d, t) の配列。i 番目の検出と j 番目の正解の IoU。d も t も 0 のことがある / IoU; d or t may be 0
    min_iou : 組になれる一番小さい IoU (0 より大きい) / smallest IoU of a pair, above 0
    返り値 / returns : (tp, fp, fn) 三つの整数 / three whole numbers
    overlap は書きかえない / overlap stays as it is
    """
    ### BEGIN SOLUTION
    n_detected, n_true = overlap.shape
    free = list(range(n_true))
    for row in overlap:
        best = max(free, key=lambda j: row[j], default=None)
        if best is not None and row[best] >= min_iou:
            free.remove(best)
    tp = n_true - len(free)
    return tp, n_detected - tp, len(free)
    ### END SOLUTION


def detection_scores(tp, fp, fn, tn):
    """検出の成績 / marks of a detector.

    tp, fp, fn, tn : 個数。顔 (tp + fn) も、顔でないもの (fp + tn) も一つはある / counts; there are faces and non-faces
    返り値 / returns : 辞書 / a dict of "precision", "recall", "f1", "balanced_error"
    """
    ### BEGIN SOLUTION
    return {
        "precision": tp / max(tp + fp, 1),
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "balanced_error": (fn / (tp + fn) + fp / (fp + tn)) / 2,
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-match-detections", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

overlap = np.array([[0.9, 0.0], [0.7, 0.0], [0.0, 0.4]])
result = match_detections(overlap, 0.5)
assert_tuple(result, ("tp", "fp", "fn"), "match_detections")
assert_close(
    result,
    [1, 2, 1],
    "(tp, fp, fn)",
    hint="一つの正解に組は一つだけ。二つ目は fp です / one pair for each true box; the second detection is a fp",
)
assert_close(
    match_detections(overlap, 0.4), [2, 1, 0], "(tp, fp, fn) (min_iou=0.4)", hint="min_iou「以上」です / at least"
)
assert_close(match_detections(np.zeros((0, 3)), 0.5), [0, 0, 3], "(tp, fp, fn) (検出なし / no detection)")
assert_close(match_detections(np.zeros((2, 0)), 0.5), [0, 2, 0], "(tp, fp, fn) (正解なし / no true box)")
### BEGIN HIDDEN TESTS
# the second detection loses its favourite to the first, and takes the one that is still free
assert_close(match_detections(np.array([[0.8, 0.6], [0.7, 0.55]]), 0.5), [2, 0, 0], "(tp, fp, fn)")
# in order of score, not of overlap: the first takes what would have suited the second better
assert_close(match_detections(np.array([[0.6, 0.55], [0.9, 0.1]]), 0.5), [1, 1, 1], "(tp, fp, fn)")
# a tie goes to the true box with the smaller number
assert_close(match_detections(np.array([[0.6, 0.6], [0.9, 0.1]]), 0.5), [1, 1, 1], "(tp, fp, fn) (同じ IoU / a tie)")
assert_close(match_detections(np.array([[0.6, 0.6], [0.1, 0.9]]), 0.5), [2, 0, 0], "(tp, fp, fn) (同じ IoU / a tie)")
for seed, d, t, min_iou in [(1901, 9, 6, 0.3), (1902, 5, 11, 0.5), (1903, 14, 4, 0.7), (1904, 30, 30, 0.5)]:
    rng = np.random.default_rng(seed)
    overlap = rng.integers(0, 11, (d, t)) / 10
    before, partner = overlap.copy(), {}
    for i in range(d):
        options = [(-overlap[i, j], j) for j in range(t) if j not in partner]
        if options and -min(options)[0] >= min_iou:
            partner[min(options)[1]] = i
    result = match_detections(overlap, min_iou)
    assert_close(result, [len(partner), d - len(partner), t - len(partner)], f"(tp, fp, fn) ({d} 個と {t} 個)")
    assert np.array_equal(overlap, before), "overlap が書きかわっています / overlap was changed"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-detection-scores", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

keys = ("precision", "recall", "f1", "balanced_error")
result = detection_scores(6, 2, 4, 8)
message = f"{keys} を持つ辞書を返してください / return a dict with these keys"
assert isinstance(result, dict), message
assert set(keys) <= set(result), message
assert_close(result["precision"], 6 / 8, "precision", hint="答えたもので割ります / of what was called a face")
assert_close(result["recall"], 6 / 10, "recall", hint="本当の顔の数で割ります / of the true faces")
assert_close(
    detection_scores(5, 0, 0, 7)["f1"], 1, "f1 (満点の検出器 / a perfect detector)", hint="2 を忘れた? / the 2?"
)
assert_close(detection_scores(0, 0, 3, 9)["precision"], 0, "precision (一度も「顔」と答えない / never says face)")
assert_close(
    detection_scores(0, 0, 10, 9990)["balanced_error"],
    0.5,
    "balanced_error (一度も「顔」と答えない / never says face)",
    hint="1 - 正解率ではありません / it is not 1 - accuracy",
)
### BEGIN HIDDEN TESTS
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

for tp, fp, fn, tn in [
    (6, 2, 4, 8),
    (1, 9, 2, 30),
    (12, 0, 3, 500),
    (3, 7, 0, 1),
    (0, 4, 6, 5),
    (0, 0, 5, 11),
    (1, 0, 2, 6),
    (40, 1, 17, 9),
]:
    truth_of_all = np.repeat([1, 0, 1, 0], [tp, fp, fn, tn])
    said_of_all = np.repeat([1, 1, 0, 0], [tp, fp, fn, tn])
    right = {
        "precision": precision_score(truth_of_all, said_of_all, zero_division=0),
        "recall": recall_score(truth_of_all, said_of_all),
        "f1": f1_score(truth_of_all, said_of_all, zero_division=0),
        "balanced_error": 1 - balanced_accuracy_score(truth_of_all, said_of_all),
    }
    result = detection_scores(tp, fp, fn, tn)
    for key in keys:
        assert_close(result[key], right[key], key)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 自分の検出器と OpenCV の完成品を、三枚の写真 (知らない 10 人の顔、のべ 36 個) で比べます。IoU 0.5 以上を当たりとします。
# そのあとに、窓を単位にした表も出します。「一度も顔と答えない検出器」の **正解率** を見てください。

# %% [markdown] tags=["lang-en"]
# Your detector against OpenCV's on three photographs, 36 faces of ten strangers; IoU 0.5 or more is a hit. Then the same by
# windows: look at the **accuracy** of a detector that never says face.


# %%
def overlap_table(found, truth):
    """検出と正解の IoU の表 / IoU of detections and true boxes, (d, t)."""
    columns = [np.array(iou(box, np.array(found, dtype=float))) for box in truth.astype(float)]
    return np.column_stack(columns).reshape(len(found), len(truth))


own_boxes = [found] + [detect(scene, detector_stages)[0] for scene, _ in scenes[1:]]
for name, all_boxes in [("自分の検出器 / yours", own_boxes), ("OpenCV", opencv_boxes)]:
    counts = [match_detections(overlap_table(b, truth), 0.5) for b, (_, truth) in zip(all_boxes, scenes, strict=True)]
    tp, fp, fn = (int(total) for total in np.sum(counts, axis=0))
    marks = detection_scores(tp, fp, fn, len(windows_900))
    print(
        f"tp {tp:2d}  fp {fp:2d}  fn {fn:2d}   適合率 {marks['precision']:.3f}  再現率 {marks['recall']:.3f}  F1 {marks['f1']:.3f}   {name}"
    )

is_face_window = (overlap_table(windows_900, scenes[0][1]) >= 0.5).any(axis=1)
n_face, n_other = int(is_face_window.sum()), int((~is_face_window).sum())
never = detection_scores(0, 0, n_face, n_other)
print(f"china の窓 / windows: 顔 {n_face}、顔でない {n_other:,}")
print(
    f"一度も顔と答えない検出器 / never says face: 正解率 {n_other / (n_face + n_other):.1%}、再現率 {never['recall']:.0%}、"
    f"つり合いのとれた誤り {never['balanced_error']:.0%}"
)
figure, axes = plt.subplots(1, 3, figsize=(10, 2.6))
for axis, (scene, truth), found in zip(axes, scenes, own_boxes, strict=True):
    draw_boxes(axis, scene, {"white": truth, "C1": found}, f"自分の検出器は {len(found)} 個 / yours")
figure.tight_layout()
plt.show()

# %% [markdown] tags=["lang-ja"]
# ### OpenCV の中身をのぞく
#
# 同じ仕組みなのに、OpenCV のほうがずっと優秀です。何がちがうのでしょう。XML ファイルを読んでみると、
# 24×24 の窓に 25 段、切り株は全部で 2,913 個ありました。訓練に使われた顔も、30 人どころではありません。
# 1 段目の特徴を、平均顔に重ねてみます。あなたのカスケードが選んだものと、似たところはありますか。

# %% [markdown] tags=["lang-en"]
# ### Inside OpenCV's detector
#
# The same idea, and much better. What is different? Its XML file has 25 stages and 2,913 stumps on a window of 24×24, and it
# has seen far more than 30 persons. Here are the features of its first stage on the mean face, and yours.

# %%
stage_sizes = [len(stage["stumps"]) for stage in opencv_stages]
print("OpenCV の段ごとの切り株の数 / stumps of its stages:", stage_sizes, "合計 / in all", sum(stage_sizes))
opencv_face = cv2.resize(mean_face[2:23, 2:23], (24, 24), interpolation=cv2.INTER_AREA)  # OpenCV の窓は顔を小さめに囲む
first_stage = [paint_rectangles(opencv_face, rectangles) for rectangles in opencv_stages[0]["stumps"]]
own_first = [paint_feature(mean_face, few[feature]) for feature, _, _ in detector_stages[0]["stumps"][:3]]
show_images(
    first_stage + own_first,
    columns=6,
    inches=1.0,
    titles=[f"OpenCV {k + 1}" for k in range(9)] + ["自分 / yours"] * len(own_first),
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 図: 検出器をだます (6 点)
#
# OpenCV の検出器 `opencv_finds(picture)` (見つければ True) を、テスト用の顔 10 枚 (1 人 1 枚) `portraits[300:400:10]` でだましてください。
#
# 1. 顔を 0°, 10°, 20°, 30°, 40°, 180° 傾けて (`tilt(portrait, degrees)`)、見つかる割合を調べ、
#    **0°〜40° を折れ線グラフ** にします (軸の名前を付けること)。180° (逆さの顔) の割合は `print` します
# 2. 目 `EYES` または口 `MOUTH` を灰色の帯で隠して (`hide(portrait, EYES)`)、見つかる割合をそれぞれ `print` します
# 3. コインの写真 `gray_photo("coins")` で見つかった枠を描きます: `opencv.detectMultiScale(..., scaleFactor=1.1, minNeighbors=5)`
#    と `draw_boxes(axis, picture, {"C1": boxes}, 題名)`
#
# 1 のグラフと 3 の絵を、横に並べた一つの図にしてください。この図は人が採点します。

# %% [markdown] tags=["lang-en"]
# ## The picture: fool the detector (6 points)
#
# Fool OpenCV's detector, `opencv_finds(picture)` (True if it finds a face), with ten test faces, one a person, `portraits[300:400:10]`.
# (1) Tilt them by 0, 10, 20, 30, 40 and 180 degrees (`tilt(portrait, degrees)`); plot the share that is found for 0 to 40
# degrees as a **line**, axes labelled, and print the share for 180 (upside down). (2) Hide the `EYES` or the `MOUTH` under a
# grey bar (`hide(portrait, EYES)`), and print both shares. (3) Draw the boxes found in `gray_photo("coins")`. Put the line
# of (1) and the picture of (3) side by side in one figure. A person marks this one.

# %% nbgrader={"grade": true, "grade_id": "fooled", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
test_faces = portraits[300:400:10]
angles = [0, 10, 20, 30, 40]
found_share = [np.mean([opencv_finds(tilt(portrait, angle)) for portrait in test_faces]) for angle in angles]
print(f"逆さ / upside down: {np.mean([opencv_finds(tilt(portrait, 180)) for portrait in test_faces]):.0%}")
for name, part in [("目 / eyes", EYES), ("口 / mouth", MOUTH)]:
    print(f"{name} を隠す / hidden: {np.mean([opencv_finds(hide(portrait, part)) for portrait in test_faces]):.0%}")
coins = gray_photo("coins")
coin_boxes = opencv.detectMultiScale(coins, scaleFactor=1.1, minNeighbors=5)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.plot(angles, found_share, "C1o-")
left.set_xlabel("傾き (度) / tilt (degrees)")
left.set_ylabel("見つかった割合 / share found")
left.set_ylim(0, 1.05)
draw_boxes(right, coins, {"C1": coin_boxes}, f"コインに「顔」が {len(coin_boxes)} 個 / heads on coins")
figure.tight_layout()
plt.show()
# === BEGIN MARK SCHEME ===
# 2 点: 折れ線が 0〜40 度で急に下がる (10 度まで 1.0、20 度 0.7、30 度 0.1、40 度 0)。軸の名前がなければ 1 点。
# 2 点: 逆さ (10 %)、目 (70 %)、口 (90 %) の三つの割合が表示されている。一つ欠けるごとに 1 点減らす。
# 2 点: コインの枠が正しい場所に描かれ (6 個)、二つが一つの図に並んでいる。x と y を入れかえていれば 0 点。
# === END MARK SCHEME ===
### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## 記述 2 (6 点)
#
# 1. 問 9 のあとの表から、「一度も顔と答えない検出器」の正解率を書き写し、顔検出の成績に正解率を使ってはいけない理由を書いてください。
# 2. 写真 1 枚を調べたとき (問 8 のあと)、一つの窓あたり平均何個の切り株を調べましたか (自分のカスケードなら全部で 78 個、
#    用意した検出器なら 35 個です)。なぜそんなに少なくてすむのですか。
# 3. 検出器は、大きく傾いた顔や逆さの顔をほとんど見つけられず、コインの肖像に「顔」を見ました。人の顔認知と似ているところ、ちがうところを一つずつ挙げ、
#    Haar 特徴のどんな性質から来るのかを説明してください。
#
# 全部で 6〜12 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 2 (6 points)
#
# (1) Copy the accuracy of the detector that never says face, and say why accuracy is the wrong mark for face detection.
# (2) How many stumps did the cascade look at per window of the photograph (after question 8), of 78 in all in your cascade or
# 35 in the prepared one, and why so few? (3) The detector misses most faces that are inverted or tilted a lot, and sees faces
# on coins. Name one thing in which this is like human face perception and one in which it is not, and which property of the
# features it comes from. Six to twelve lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-detector", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 正解率 97.5 % だが、顔は一つも見つけていない (再現率 0)。窓のほとんどは顔でないので、「顔でない」と言い続けるだけで
#    正解率は 100 % 近くになり、よい検出器とだめな検出器を区別できない。適合率と再現率、またはつり合いのとれた誤り (0.5) を見るべきである。
# 2. 平均 11.4 個。ほとんどの窓は顔に似ておらず、切り株 3 個の 1 段目や 10 個の 2 段目で捨てられる。念入りに 78 個すべてを調べるのは、
#    最後の段まで残ったごく一部の窓だけだからである。
# 3. 似ているところ: 顔でないもの (コインの浮き彫り、影のつき方) に顔を見る (パレイドリア)、逆さの顔が苦手 (倒立効果)。
#    ちがうところ: 人は 20〜30 度傾いた顔や、目が隠れた顔なら苦もなく見つけ、コインが人間でないことも分かる。
#    Haar 特徴は、決まった位置の明暗の差 (目の段が頬より暗いなど) を縦横の長方形ではかるだけなので、傾くと長方形と目がずれ、
#    目が隠れると一番大事な手がかりがなくなる。逆に、同じ明暗の配置さえあれば何でも顔に見える。
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): 値 (97.5 %) に 1 点。顔でない窓が圧倒的に多いので区別できないという理由に 1 点。
# 2 (1 点): 平均の個数と、「ほとんどの窓が早い段で捨てられる」ことの両方があれば 1 点 (個数は学習のしかたでちがってよい)。
# 3 (3 点): 似ているところ 1 点、ちがうところ 1 点、縦横の長方形・決まった位置の明暗という特徴の性質からの説明 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## おわりに
#
# 今日つくったものを、講義の言葉で振り返りましょう。
#
# - 特徴は **人が決めた** 白黒の長方形、学習したのは「どれを、どのしきい値で使うか」だけ。CNN は、この特徴そのものを学習します
# - 大きな表を一つ作ってしまえば、20 分の学習が数秒になります。速さは、計算機ではなく **考え方** から来ました
# - カスケードは「ほとんどの場所は見るに値しない」という、**注意** の仕組みです
# - 成績は、割り算の **分母** を言葉で言えてはじめて意味を持ちます
# - 機械がだまされる場面を見ると、機械が顔の「何を」見ていたのかが分かります。これは心理学の実験そのものです
#
# 提出の前に、メニューの「カーネルを再起動し、すべてのセルを実行」で、上から下まで通ることを確かめてください。

# %% [markdown] tags=["lang-en"]
# ## To end with
#
# People chose the features here, black and white rectangles; learning only chose which of them to use and where to cut. A
# CNN learns the features, too. One large table turned twenty minutes into seconds: the speed came from thinking, not from
# the computer. The cascade is a kind of **attention**: most places are not worth a look. A mark means something only if you
# can say in words what it is divided by. And where a machine is fooled, you see what it was looking at, which is just how
# psychology experiments with people. Before you hand in: restart the kernel and run all cells.
