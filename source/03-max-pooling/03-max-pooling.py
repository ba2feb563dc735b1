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
# # ずれても同じ顔 — 最大値プーリングと C 細胞
#
# 友だちの顔を見ながら、視線をほんの少しだけ横へ動かしてみてください。網膜の上では、ほとんどすべての視細胞に届く光が変わりました。
# それでも、友だちは友だちのままです。位置がずれても「同じもの」と分かること (**並進不変性**) は、
# 脳には当たり前で、画素を一つずつ比べる機械にはとても難しいことです。
#
# 脳の答えの手がかりは、ヒューベルとウィーゼルがネコの視覚野で見つけた 2 種類の細胞でした。
#
# | 細胞 | 何に反応するか | 福島のネオコグニトロン (1980) | 今の CNN |
# |---|---|---|---|
# | **単純細胞** | 決まった特徴が、**決まった場所** にあるとき | **S 細胞** | 畳み込み + ReLU |
# | **複雑細胞** | 決まった特徴が、**広い受容野のどこか** にあるとき | **C 細胞** | プーリング |
#
# C 細胞は、同じ特徴を少しずつちがう場所で探している S 細胞たちを束ねます。束ね方は一通りではありません。
#
# $$c_{\text{MAX}} = \max_{i \in \text{受容野}} s_i \qquad\qquad c_{\text{SUM}} = \sum_{i \in \text{受容野}} s_i$$
#
# - $s_i$: 受容野の中の $i$ 番目の S 細胞の反応、 $c$: C 細胞の反応
#
# (福島自身の C 細胞は、重みつきの合計に近いものでした。)
# リーゼンフーバーとポッジオ (1999) は、下側頭葉の細胞の反応を説明できるのは **MAX** のほうだ、と主張しました。
# 今の画像認識で使われる **最大値プーリング** は、この計算そのものです。
#
# この演習では、プーリングを自分の手で作り、逆向きに微分し、MAX と SUM を「実験」で比べ、
# 最後に **写真の中をさまよう顔** を、一つの C 細胞に見つけさせます。

# %% [markdown] tags=["lang-en"]
# # The same face, a little to the side: max pooling and C cells
#
# Look at a friend and move your eyes a little to the side: the light on nearly every receptor of your retina changes,
# and the friend stays the same. This **translation invariance** is easy for a brain and hard for a machine that compares pixels.
#
# Hubel and Wiesel found two kinds of cells. A **simple cell** (Fukushima's **S cell**; today convolution and ReLU)
# answers to a feature at one place; a **complex cell** (**C cell**; today pooling) answers to it anywhere in a wide
# receptive field, because it gathers many S cells: by their maximum (MAX) or by their sum (SUM; Fukushima's own C cells
# came close to a weighted sum), see the formulas above ($s_i$: an S cell's response, $c$: the C cell's). Riesenhuber
# and Poggio (1999) argued that cells of inferotemporal cortex need MAX. That is the max pooling of today's networks.
#
# You will build pooling, differentiate it backwards, compare MAX and SUM by experiment, and let a single C cell find
# **faces that wander through photographs**.

# %% [markdown] tags=["lang-ja"]
# ## 進め方
#
# | | 内容 | 配点 | 目安 |
# |---|---|---|---|
# | A | プーリングを作る (問 1・2) | 21 | 40 分 |
# | B | どこが勝ったか: スイッチと逆伝播 (問 3・4) | 21 | 40 分 |
# | C | ずれと反応: 不変性の曲線、MAX と SUM (問 5・6、記述 1) | 26 | 45 分 |
# | D | LeNet-5 と数字 (問 7、図) | 15 | 25 分 |
# | E | 顔を見つける C 細胞 (問 8、記述 2) | 17 | 30 分 |
#
# - 解答するのは `# YOUR CODE HERE` と書かれたセルだけです。`raise NotImplementedError()` を消して書きます。
# - セルは上から順に実行します。まだ答えていない問題のセルは `NotImplementedError` で止まりますが、故障ではありません。
# - 解答のすぐ下の **テストのセル** を実行して、何も表示されなければ合格です。
#   採点のときには、ここに見えないテスト (ほかの入力、極端な入力) も加わります。
# - どの問題も前の問題とは別に採点されます。行きづまったら、とばして先に進んでかまいません。
# - PyTorch の `torch.nn.functional.max_pool2d` などは、まず自分で書いてから、**検算** に使ってください。
#   どこがちがうかを調べる、最良の先生です。

# %% [markdown] tags=["lang-en"]
# ## How it works
#
# (About 3 hours in all: 40, 40, 45, 25 and 30 minutes for A to E.) A: pooling (questions 1–2, 21 points). B: who won,
# switches and the backward pass (3–4, 21). C: shift against response, MAX against SUM (5–6 and a written one, 26). D: LeNet-5 and digits (7 and a picture, 15). E: a C cell that
# finds faces (8 and a written one, 17). Write only where it says `# YOUR CODE HERE`, in place of
# `raise NotImplementedError()`. A test cell says nothing when all is well; marking adds tests that you cannot see. Every
# question is marked on its own, so skip what you are stuck on. Write pooling yourself first, and use PyTorch's
# `max_pool2d` to check it.

# %% nbgrader={"grade": false, "grade_id": "imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
import cv2
import matplotlib.pyplot as plt
import matplotlib_fontja
import numpy as np
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import correlate2d
from sklearn.metrics import roc_auc_score
from torch import nn

from facelab import load_digits, load_faces, load_photos, show_images

torch.set_num_threads(1)
matplotlib_fontja.japanize()  # 図の中で日本語を使う / Japanese in figures

# %% [markdown] tags=["lang-ja"]
# ## まず見る
#
# 左の二枚は、同じ写真を **4 画素** だけ横にずらしたものです (64×64 画素)。私たちには同じ顔ですが、
# 差をとると三枚目のようになります。「画素を比べる」だけでは、4 画素のずれが大事件なのです。
#
# 四枚目は、S 細胞の一つの層です。「左が暗く、右が明るい縦の境目」に反応する S 細胞を、すべての場所に並べました。
# 明るいところほど、その場所の S 細胞が強く反応しています。この絵のような、特徴の反応を並べたものを **特徴地図** といいます。

# %% [markdown] tags=["lang-en"]
# ## Look first
#
# The first two pictures are one photograph, moved by **4 pixels** (of 64). To us it is the same face; the third picture
# is the difference. The fourth is a layer of S cells, one at each place, that answer to a vertical border, dark on the
# left and bright on the right: a **feature map**.

# %% nbgrader={"grade": false, "grade_id": "faces", "locked": true, "schema_version": 3, "solution": false, "task": false}
faces = load_faces(size=64)
print(faces)
print(faces.credit)

photo = faces.images[0]  # (64, 64)
moved = np.pad(photo, ((0, 0), (4, 0)), mode="edge")[:, :64]  # 右へ 4 画素 / 4 pixels to the right
s_layer = np.maximum(cv2.Sobel(photo, cv2.CV_64F, 1, 0), 0)  # 縦の境目の S 細胞 / S cells for vertical borders
s_layer /= s_layer.max()  # (64, 64)、0 から 1 / from 0 to 1
show_images(
    [photo, moved, np.abs(photo - moved), s_layer],
    titles=["写真\nphoto", "4 画素ずらす\nmoved by 4", "差の大きさ\ndifference", "S 細胞の層\nlayer of S cells"],
    inches=1.7,
)
plt.show()
changed = np.mean(np.abs(photo - moved) > 5 / 255)
print(f"5 階調より大きく変わった画素 / pixels that changed by more than 5 grey levels: {changed:.0%}")

# %% [markdown] tags=["lang-ja"]
# ### プーリングとは
#
# 特徴地図を小さな窓 (**カーネル**) で区切り、窓ごとに一つの数にまとめるのが **プーリング** です。
# 下の図では 4×4 の特徴地図を、2×2 の窓が **2 つおき** (**ストライド** 2) に見ています。
# 窓の最大値をとるのが **最大値プーリング**、平均が **平均プーリング**、合計が **合計プーリング** です。

# %% [markdown] tags=["lang-en"]
# ### What pooling is
#
# Cut a feature map into small windows (the **kernel**) and make each window one number: its maximum (**max pooling**),
# its mean (**average pooling**) or its sum (**sum pooling**). Below, windows of 2×2 stand 2 apart (the **stride**).

# %% nbgrader={"grade": false, "grade_id": "what-pooling-is", "locked": true, "schema_version": 3, "solution": false, "task": false}
example = np.array([[1, 3, 0, 2], [4, 2, 1, 1], [0, 1, 8, 5], [2, 1, 6, 7]], dtype=float)
figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
for axis, table, title in [
    (axes[0], example, "特徴地図 / feature map (4×4)"),
    (axes[1], np.array([[4.0, 2.0], [2.0, 8.0]]), "最大値プーリング / max (2×2)"),
    (axes[2], np.array([[2.5, 1.0], [1.0, 6.5]]), "平均プーリング / average (2×2)"),
]:
    side = len(table)
    rows, columns = np.indices(table.shape)
    axis.imshow((rows // (side // 2)) * 2 + columns // (side // 2), cmap="Pastel1", vmin=0, vmax=8)
    for row, column in np.ndindex(table.shape):
        axis.text(column, row, f"{table[row, column]:g}", ha="center", va="center", fontsize=12)
    axis.set(title=title, xticks=[], yticks=[])
plt.show()

# %% [markdown] tags=["lang-ja"]
# あとの D と E で使うデータも、ここで用意しておきます (中身を今読む必要はありません。LeNet の学習に数秒かかります)。

# %% [markdown] tags=["lang-en"]
# Data for parts D and E; no need to read this now. Training three networks takes a few seconds.

# %% nbgrader={"grade": false, "grade_id": "digits", "locked": true, "schema_version": 3, "solution": false, "task": false}
digits = load_digits()
print(digits)
print(digits.credit)
order = np.random.default_rng(0).permutation(len(digits.label))
digit_images = torch.tensor(digits.images[order], dtype=torch.float32)[:, None]  # (5000, 1, 28, 28)
digit_labels = torch.tensor(digits.label[order])  # (5000,)


def train_lenet(pooling_layer):
    """小さな LeNet を数字 2000 枚で学習する / train a small LeNet on 2000 digits."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        pooling_layer,
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        pooling_layer,
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(5):
        for batch in torch.randperm(2000).split(100):
            optimizer.zero_grad()
            F.cross_entropy(network(digit_images[batch]), digit_labels[batch]).backward()
            optimizer.step()
    return network.eval()


lenets = {
    "最大値 / max": train_lenet(nn.MaxPool2d(2)),
    "平均 / average": train_lenet(nn.AvgPool2d(2)),
    "間引き / stride only": train_lenet(nn.MaxPool2d(1, stride=2)),  # 2 つおきに取るだけ / every second number
}

# テスト用の 500 枚。shifted_digits[k] は右へ k 画素ずらしたもの / 500 for the test, moved to the right by k pixels
test_labels = digit_labels[4500:]  # (500,)
shifted_digits = [F.pad(digit_images[4500:], (k, 0))[:, :, :, :28] for k in range(7)]  # 7 × (500, 1, 28, 28)


# %% nbgrader={"grade": false, "grade_id": "paddles", "locked": true, "schema_version": 3, "solution": false, "task": false}
def paddle(centre_row, centre_column, *, ellipse=True, rod=True):
    """楕円を棒が支える形 / an ellipse on a rod: (64, 64)."""
    down, right = np.mgrid[:64, :64] - np.reshape([centre_row, centre_column], (2, 1, 1))
    picture = np.zeros((64, 64))
    if ellipse:
        picture[(down / 8) ** 2 + (right / 10) ** 2 <= 1.05] = 1
    if rod:
        picture[(down >= 0) & (down < 26) & (abs(right) <= 2)] = 1
    return picture


def unit(patch):
    """平均 0、長さ 1 にする / make its mean 0 and its length 1."""
    return (patch - patch.mean()) / np.linalg.norm(patch - patch.mean())


clutter = paddle(16, 20)
clutter[8:24, 44:56] = 1  # 同じ受容野の中の四角 / a square in the same receptive field
stimuli = {
    "パドル\npaddle": paddle(16, 20),
    "ずらす\nmoved": paddle(30, 38),
    "棒だけ\nrod": paddle(16, 20, ellipse=False),
    "楕円だけ\nellipse": paddle(16, 20, rod=False),
    "邪魔者\nclutter": clutter,
}
joint = paddle(16, 20)[20:31]  # つなぎ目のまわりの 11 行 / eleven rows around the joint
joint_features = [unit(joint[:, 10:21]), unit(joint[:, 20:31])]  # 左側と右側 / left and right side: (11, 11)

# %% nbgrader={"grade": false, "grade_id": "scenes", "locked": true, "schema_version": 3, "solution": false, "task": false}
FACE_TOP, FACE_LEFT = 16, 16  # ずれがないときの顔の左上 / the face's corner when it is not moved
OFFSETS = (0, 4, 8, 12, 16)  # 右へのずれ (画素) / displacements to the right, in pixels
small_faces = load_faces(size=32).images
eye_template = small_faces[:300].mean(axis=0)[9:25, 5:27]  # (16, 22) 訓練用 30 人の平均の目と鼻 / mean eyes and nose

photos = load_photos()
names = [
    "china",
    "coffee",
    "flower",
    "gravel",
    "rocket",
    "motorcycle",
    "brick",
    "grass",
    "clock",
    "text",
]  # 顔のない写真
backgrounds = []  # 顔のない背景 100 枚 / 100 pictures without a face
scene_rng = np.random.default_rng(0)
for number in range(100):
    grey = photos[names[number % len(names)]]
    grey = cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY) if grey.ndim == 3 else grey
    side = int(scene_rng.integers(64, min(grey.shape)))
    top, left = (int(scene_rng.integers(0, length - side + 1)) for length in grey.shape)
    backgrounds.append(cv2.resize(grey[top : top + side, left : left + side], (64, 64), interpolation=cv2.INTER_AREA))
backgrounds = np.array(backgrounds) / 255  # (100, 64, 64)

scenes = {}  # ずれ → 知らない 10 人の顔 100 枚を貼った場面 / displacement → scenes with 100 faces of ten strangers
for offset in OFFSETS:
    scenes[offset] = backgrounds.copy()
    columns = slice(FACE_LEFT + offset, FACE_LEFT + offset + 32)
    scenes[offset][:, FACE_TOP : FACE_TOP + 32, columns] = small_faces[300:]


def eye_maps(pictures):
    """目と鼻の S 細胞の層を OpenCV で求める / layers of S cells for eyes and nose: (n, 64, 64) → (n, 49, 43)."""
    method, template = cv2.TM_CCOEFF_NORMED, eye_template.astype(np.float32)
    return np.array([cv2.matchTemplate(picture, template, method) for picture in pictures.astype(np.float32)])


background_maps = eye_maps(backgrounds)
scene_maps = {offset: eye_maps(pictures) for offset, pictures in scenes.items()}

# %% [markdown] tags=["lang-ja"]
# ---
# # A. プーリングを作る
#
# ## 問 1. 2×2 の最大値プーリング (7 点)
#
# まず、一番よく使われる形を書きましょう。窓は 2×2、ストライドは 2 (窓は重なりません) です。
#
# $$y_{r,c} = \max\bigl(x_{2r,\,2c},\; x_{2r,\,2c+1},\; x_{2r+1,\,2c},\; x_{2r+1,\,2c+1}\bigr)$$
#
# - $x$: 高さ $H$、幅 $W$ の特徴地図。 $y$: 高さ $\lfloor H/2 \rfloor$、幅 $\lfloor W/2 \rfloor$ ($\lfloor\;\rfloor$ は切り捨て)
# - $H$ や $W$ が奇数のときは、余った最後の 1 行・1 列を **使いません** (PyTorch と同じ)
# - 値が **負** のこともあります
#
# つぎに、数がどれだけ減るかを式にします。 $H \times W$ 個の数のうち、プーリングの後に **残らない** 割合を返してください。
# 講義では「最大値プーリングは 75 % の情報を捨てる」と話しました。いつでも 75 % でしょうか。

# %% [markdown] tags=["lang-en"]
# ---
# # A. Build it
#
# ## Question 1. Max pooling, 2×2 (7 points)
#
# The commonest form: windows of 2×2, stride 2, no overlap (formula above). The output has ⌊H/2⌋ × ⌊W/2⌋ numbers; a
# last row or column that is left over is **not used**, as in PyTorch. Values may be **negative**.
#
# Then the share of the H × W numbers that is **gone** afterwards. The lecture says 75 %. Always?


# %% nbgrader={"grade": false, "grade_id": "pool-2x2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool_2x2(image):
    """2×2、ストライド 2 の最大値プーリング / max pooling, 2×2, stride 2.

    image : (H, W) 数の表。リストでも配列でもよい。H と W は 2 以上 / a table of numbers, list or array; H, W at least 2
    返り値 / returns : (H // 2, W // 2) の配列 / an array
    """
    ### BEGIN SOLUTION
    image = np.asarray(image)
    height, width = image.shape[0] // 2, image.shape[1] // 2
    blocks = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return blocks.max(axis=(1, 3))
    ### END SOLUTION


def thrown_away(height, width):
    """2×2 の最大値プーリングの後に残らない数の割合 / share of the numbers that max_pool_2x2 does not keep.

    height, width : 2 以上の整数 / whole numbers, 2 or more
    返り値 / returns : 0 から 1 の小数 / a float from 0 to 1
    """
    ### BEGIN SOLUTION
    return 1 - (height // 2) * (width // 2) / (height * width)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-max-pool-2x2", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close
from saiten.pictures import attach_pictures

result = max_pool_2x2(photo.copy())
right = F.max_pool2d(torch.tensor(photo)[None], 2)[0].numpy()
# どこかがちがえば、顔での結果を見せる / if anything is wrong, show what becomes of the face
with attach_pictures("max_pool_2x2 (顔 / a face)", result, right, show_expected=True):
    assert_close(
        max_pool_2x2(np.array([[1, 3, 0, 2], [4, 2, 1, 1], [0, 1, 8, 5], [2, 1, 6, 7]])),
        [[4, 2], [2, 8]],
        "max_pool_2x2",
        hint="どの値も窓の最大値です。窓は 2 つおきに並び、重なりません / "
        "each value is the largest of its window; windows stand 2 apart and do not overlap",
    )
    assert_close(max_pool_2x2([[1, 2, 9], [3, 4, 9], [9, 9, 9]]), [[4]], "max_pool_2x2 (3×3: 余りは使わない / odd)")
    assert_close(result, right, "max_pool_2x2 (顔 / a face)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(301)
for shape in [(6, 10), (5, 8), (2, 9), (7, 3), (2, 2)]:
    # values of both signs, and only negative ones: a search that starts at 0 fails
    for level in (0.0, -9.0):
        image = rng.standard_normal(shape) + level
        right = F_reference.max_pool2d(from_numpy(image.copy())[None], 2)[0].numpy()
        assert_close(
            max_pool_2x2(image), right, f"max_pool_2x2 {shape}", hint="負の値もあります / negative values occur"
        )
image = rng.integers(-50, 50, (4, 7))
right = [
    [max(image[2 * r, 2 * c : 2 * c + 2].max(), image[2 * r + 1, 2 * c : 2 * c + 2].max()) for c in range(3)]
    for r in range(2)
]
assert_close(max_pool_2x2(image.tolist()), right, "max_pool_2x2 (整数のリスト / a list of integers)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-thrown-away", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

assert_close(thrown_away(4, 6), 0.75, "thrown_away(4, 6)", hint="「残らない」割合です / the share that is gone")
assert_close(thrown_away(3, 3), 8 / 9, "thrown_away(3, 3)", hint="奇数のときは余りも捨てます / odd sizes lose more")
### BEGIN HIDDEN TESTS
for height, width in [(2, 2), (28, 28), (5, 8), (9, 4), (7, 11), (3, 100)]:
    kept = len(range(0, height - 1, 2)) * len(range(0, width - 1, 2))
    lost = (height * width - kept) / (height * width)
    assert_close(thrown_away(height, width), lost, f"thrown_away({height}, {width})")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔を 3 回つづけてプーリングしてみます。何画素まで、誰だか分かりますか。
# 一回ごとに 75 % が消え、三回で 98.4 % が消えます。最大値なので、だんだん **明るく** なることにも注目してください。

# %% [markdown] tags=["lang-en"]
# Three times in a row on a face: 75 % gone each time, 98.4 % after three. Taking the maximum, it gets **brighter**, too.

# %%
pictures = [photo]
for _ in range(3):
    pictures.append(np.asarray(max_pool_2x2(pictures[-1])))
show_images(
    pictures,
    titles=[f"{len(picture)}×{len(picture)}\n平均 / mean {picture.mean():.2f}" for picture in pictures],
    inches=1.7,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 2. プーリング層 (14 点)
#
# つぎは、PyTorch の層と同じことができる一般の形です。
#
# - **カーネル** $k$: 窓は $k \times k$
# - **ストライド** $s$: 窓をずらす幅。省略したら $k$ と同じ。 $s < k$ なら窓が重なります
#   (**重なりのあるプーリング**。AlexNet は $k=3$、 $s=2$)
# - **パディング** $p$: 上下左右に $p$ 行・ $p$ 列ずつ、枠を足してから窓を当てる
# - 入力は `(H, W)`、`(C, H, W)`、`(N, C, H, W)` のどれでもよく、**最後の二つの軸** だけをプーリングします。
#   チャンネル $C$ や枚数 $N$ どうしを混ぜてはいけません
#
# 出力の高さと幅は
#
# $$H' = \Bigl\lfloor \frac{H + 2p - k}{s} \Bigr\rfloor + 1, \qquad W' = \Bigl\lfloor \frac{W + 2p - k}{s} \Bigr\rfloor + 1$$
#
# 枠に何を詰めるかが、毎年の落とし穴です。
#
# | `mode` | まとめ方 | 枠の値 |
# |---|---|---|
# | `"max"` | 最大値 | $-\infty$ (`-np.inf`)。0 を詰めると、負の値ばかりの窓で **枠が勝ってしまう** |
# | `"sum"` | 合計 | 0 |
# | `"average"` | 合計 ÷ $k^2$ | 0。枠も **数に入れて** 割る (PyTorch の初期設定) |
#
# パディングがカーネルの半分より大きいとき ($2p > k$) は、PyTorch と同じく受けつけず、`ValueError` を出してください。
# 知らない `mode` も `ValueError` です。
#
# 二重ループで窓を一つずつ見ても、`sliding_window_view(x, (k, k), axis=(-2, -1))` で全部の窓を一度に見てもかまいません。

# %% [markdown] tags=["lang-en"]
# ## Question 2. A pooling layer (14 points)
#
# Now all that PyTorch's layers can do: kernel $k$ (windows of $k \times k$), stride $s$ (default $k$; with $s < k$ the
# windows **overlap**, as in AlexNet: 3 and 2), padding $p$ (a frame of $p$ rows and columns on each side). The input
# may be `(H, W)`, `(C, H, W)` or `(N, C, H, W)`; only the **last two axes** are pooled, channels and pictures never
# mix. For the output's size see the formula above.
#
# What stands in the frame is the trap of every year: −∞ for "max" (with 0 the **frame wins** wherever all values are
# negative); 0 for "sum"; 0 for "average", which divides by $k^2$, **counting the frame** (PyTorch's default). Raise
# `ValueError` when $2p > k$, as PyTorch does, and for an unknown mode. A double loop is fine, and so is
# `sliding_window_view(x, (k, k), axis=(-2, -1))`.


# %% nbgrader={"grade": false, "grade_id": "pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pool(x, kernel, stride=None, padding=0, mode="max"):
    """プーリング層 / a pooling layer.

    x       : (..., H, W) の配列。整数でも小数でもよい / array; integers or floats
    kernel  : 窓の一辺 k / side of the window
    stride  : ずらす幅 s。None なら k / step of the window; None: k
    padding : 枠の幅 p / width of the frame
    mode    : "max", "average", "sum"
    返り値 / returns : (..., H', W') の配列 (小数) / an array of floats
    2 * padding > kernel、または知らない mode なら ValueError / ValueError for these
    """
    ### BEGIN SOLUTION
    if mode not in ("max", "average", "sum"):
        raise ValueError(f'mode is "max", "average" or "sum", not {mode!r}')
    if 2 * padding > kernel:
        raise ValueError("padding may be half the kernel at most")
    if stride is None:
        stride = kernel
    x = np.asarray(x, dtype=float)
    frame = [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2
    padded = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0)
    windows = sliding_window_view(padded, (kernel, kernel), axis=(-2, -1))[..., ::stride, ::stride, :, :]
    if mode == "max":
        return windows.max(axis=(-2, -1))
    total = windows.sum(axis=(-2, -1))
    return total if mode == "sum" else total / kernel**2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-pool-max", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

table = np.array([[1.0, 3, 0, 2, 5], [4, 2, 1, 1, 0], [0, 1, 8, 5, 3]])
assert_close(pool(table, 2), [[4, 2]], "pool (kernel=2)", hint="stride を省略したら kernel と同じです / stride: kernel")
assert_close(pool(table, 2, stride=1), [[4, 3, 2, 5], [4, 8, 8, 5]], "pool (kernel=2, stride=1)")
assert_close(
    np.shape(pool(np.zeros((2, 3, 7, 9)), 3, 2)),
    (2, 3, 3, 4),
    "pool の形 / shape",
    hint="最後の二つの軸だけをプーリングします / pool the last two axes only",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(302)
for shape, kernel, stride in [
    ((6, 9), 3, None),
    ((4, 7, 5), 2, None),
    ((2, 3, 8, 11), 3, 2),  # overlap
    ((5, 10, 6), 2, 3),  # gaps between the windows
    ((1, 9, 7), 4, 1),
    ((3, 6, 6), 6, None),  # global pooling
    ((4, 5, 8), 1, 2),  # no pooling, every second number
]:
    x = rng.standard_normal(shape)
    right = F_reference.max_pool2d(from_numpy(x.copy()).reshape(1, -1, *shape[-2:]), kernel, stride)[0].numpy()
    right = right.reshape(*shape[:-2], *right.shape[-2:])
    name = f"pool (x {shape}, kernel={kernel}, stride={stride})"
    assert_close(pool(x.copy(), kernel, stride), right, name, hint="窓の大きさと間隔は / size and distance of windows?")
x = rng.integers(-99, -9, (3, 7, 8))
right = F_reference.max_pool2d(from_numpy(x.astype(float)), 3, 2).numpy()
assert_close(pool(x.copy(), 3, 2), right, "pool (負の整数 / negative integers)")
x = rng.standard_normal((2, 6, 5)).astype(np.float32)
assert_close(pool(x.copy(), 2, 1), F_reference.max_pool2d(from_numpy(x.copy()), 2, 1).numpy(), "pool (float32)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-pool-average-sum", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

table = np.array([[1, 3, 0, 2], [4, 2, 1, 1]])
assert_close(pool(table, 2, mode="average"), [[2.5, 1.0]], 'pool (mode="average")')
assert_close(pool(table, 2, 1, mode="sum"), [[10, 6, 4]], 'pool (mode="sum")')
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(303)
for shape, kernel, stride in [
    ((6, 9), 3, None),
    ((4, 7, 5), 2, 1),
    ((2, 3, 8, 11), 3, 2),
    ((5, 10, 6), 2, 3),
    ((2, 5, 5), 5, None),
]:
    x = rng.standard_normal(shape) + 2
    for mode, divisor in [("average", None), ("sum", 1)]:
        batch = from_numpy(x.copy()).reshape(1, -1, *shape[-2:])
        right = F_reference.avg_pool2d(batch, kernel, stride, divisor_override=divisor)[0].numpy()
        right = right.reshape(*shape[:-2], *right.shape[-2:])
        name = f'pool (x {shape}, kernel={kernel}, stride={stride}, mode="{mode}")'
        assert_close(pool(x.copy(), kernel, stride, mode=mode), right, name)
x = np.array([[0, 1, 1], [0, 0, 1], [1, 0, 0]])
assert_close(
    pool(x, 2, 1, mode="average"),
    [[0.25, 0.75], [0.25, 0.25]],
    "pool (整数 / integers)",
    hint="小数で返します / floats",
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-pool-padding", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close
from saiten.pictures import attach_pictures

result = pool(s_layer - 1, 4, 4, padding=2)  # 負の値ばかりの特徴地図 / a map of negative values
right = F.max_pool2d(torch.tensor(s_layer - 1)[None], 4, 4, 2)[0].numpy()
x = np.full((4, 4), -2.0)
with attach_pictures("pool (kernel=4, padding=2)", result, right, show_expected=True, value_range=(-1, 0)):
    assert_close(
        pool(x, 2, 2, padding=1),
        np.full((3, 3), -2.0),
        'pool (padding=1, mode="max")',
        hint="枠が勝っていませんか。枠は -np.inf です / does the frame win? It holds -np.inf",
    )
assert_close(
    pool(x, 2, 2, padding=1, mode="average"),
    [[-0.5, -1, -0.5], [-1, -2, -1], [-0.5, -1, -0.5]],
    'pool (padding=1, mode="average")',
    hint="枠も数に入れて k * k で割ります / divide by k * k, the frame counts",
)
for wrong in ({"padding": 2}, {"mode": "median"}):
    try:
        pool(x, 3, **wrong)
    except ValueError:
        pass
    else:
        raise AssertionError(f"{wrong} では ValueError を出してください / raise ValueError for {wrong}")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(304)
for shape, kernel, stride, padding in [
    ((3, 6, 9), 3, 2, 1),
    ((2, 2, 7, 5), 4, 3, 2),
    ((8, 5), 2, None, 1),
    ((2, 9, 6), 5, 1, 2),
]:
    x = rng.standard_normal(shape) - 3
    batch = from_numpy(x.copy()).reshape(1, -1, *shape[-2:])
    for mode in ("max", "average", "sum"):
        if mode == "max":
            right = F_reference.max_pool2d(batch, kernel, stride, padding)
        else:
            # PyTorch's average counts the frame, too; a divisor of 1 makes it the sum
            divisor = 1 if mode == "sum" else None
            right = F_reference.avg_pool2d(batch, kernel, stride, padding, divisor_override=divisor)
        right = right.numpy().reshape(*shape[:-2], *right.shape[-2:])
        name = f'pool (x {shape}, kernel={kernel}, stride={stride}, padding={padding}, mode="{mode}")'
        assert_close(
            pool(x.copy(), kernel, stride, padding, mode), right, name, hint="枠の値は / what is in the frame?"
        )
for kernel, padding, mode in [(2, 2, "max"), (5, 3, "average"), (1, 1, "sum"), (2, 1, "Max"), (2, 0, "min")]:
    try:
        pool(np.ones((7, 6)), kernel, 1, padding, mode)
    except ValueError:
        pass
    else:
        raise AssertionError(
            f'kernel={kernel}, padding={padding}, mode="{mode}" では ValueError を出してください / '
            "raise ValueError when 2 * padding > kernel and for an unknown mode"
        )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔の特徴地図 (縦の境目の S 細胞) を、窓の大きさを変えてプーリングしてみましょう。
# 一番強い境目を **残す** のが最大値、うすめて **広げる** のが平均です。同じ明るさで表示しているので、平均のほうは暗くなっていきます。

# %% [markdown] tags=["lang-en"]
# The feature map of the face, pooled with larger and larger windows. The maximum **keeps** the strongest border; the
# average **dilutes** it. All on one grey scale.

# %%
kernels = [1, 2, 4, 8]
rows = [np.asarray(pool(s_layer, kernel, mode=mode)) for mode in ("max", "average") for kernel in kernels]
show_images(
    rows,
    titles=[f"{kernel}×{kernel}" for kernel in kernels] * 2,
    columns=4,
    row_labels=["最大値\nmax", "平均\naverage"],
    value_range=(0, 0.7),
    inches=1.5,
)
plt.show()
overlapping = pool(faces.images[:5], 3, 2, 1)
print("重なりのあるプーリング (k = 3, s = 2, p = 1) / overlapping:", (5, 64, 64), "→", np.shape(overlapping))
print("大域プーリング (k = 64) / global:", (5, 64, 64), "→", np.shape(pool(faces.images[:5], 64)))

# %% [markdown] tags=["lang-ja"]
# ---
# # B. どこが勝ったのか
#
# 最大値プーリングは、4 個のうち 3 個の値を捨てます。もう一つ捨てているものがあります。**どこにあったか** です。
# まずそれを記録し (問 3)、つぎに、学習の信号をそこへ送り返します (問 4)。
#
# ## 問 3. スイッチ (10 点)
#
# 窓ごとに、最大値と、それが **入力のどこにあったか** を返してください。この場所を **スイッチ** と呼びます。
#
# - 場所は、入力全体を左上から横に数えた通し番号で表します: 行 $r$、列 $c$ なら $\;r \times W + c$
#   ($W$ は **入力の** 幅。PyTorch の `return_indices=True` と同じ)
# - 窓の中の番号 (0 から $k^2-1$) ではありません
# - 最大値が二つ以上あれば、窓の中で **上の行が先、同じ行なら左が先** のものを選びます
# - パディングはありません。窓は重なることもあります ($s < k$)
#
# たとえば「まず見る」の図の 4×4 の表 ($k = s = 2$) では、最大値は $\begin{pmatrix} 4 & 2 \\ 2 & 8 \end{pmatrix}$、
# スイッチは $\begin{pmatrix} 4 & 3 \\ 12 & 10 \end{pmatrix}$ です。

# %% [markdown] tags=["lang-en"]
# ---
# # B. Who won?
#
# Max pooling drops three values of four, and also **where** the winner was. Note it (question 3), then send the learning
# signal back there (question 4).
#
# ## Question 3. Switches (10 points)
#
# For each window return the maximum and **where in the input** it was: row $r$, column $c$ is number $r \times W + c$
# ($W$: width of the **input**; PyTorch's `return_indices=True`), not the number inside the window. If several are
# largest: the uppermost row first, then the leftmost. No padding; windows may overlap. For the 4×4 table of the figure
# above the switches are 4, 3 / 12, 10.


# %% nbgrader={"grade": false, "grade_id": "switches", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool_switches(x, kernel, stride):
    """最大値プーリングと、最大値の場所 / max pooling, and where the maxima were.

    x       : (H, W) の配列、またはリスト / an array or list
    kernel  : 窓の一辺 / side of the window
    stride  : 窓をずらす幅 / step of the window
    返り値 / returns : (values, switches)。どちらも (H', W')。switches は入力での通し番号 r * W + c
        both (H', W'); switches are whole numbers r * W + c in the input
    """
    ### BEGIN SOLUTION
    x = np.asarray(x)
    windows = sliding_window_view(x, (kernel, kernel))[::stride, ::stride]
    inside = windows.reshape(*windows.shape[:2], -1).argmax(axis=2)
    row, column = np.indices(inside.shape) * stride + np.divmod(inside, kernel)
    return windows.max(axis=(2, 3)), row * x.shape[1] + column
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-switches", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

table = np.array([[1, 3, 0, 2], [4, 2, 1, 1], [0, 1, 8, 5], [2, 1, 6, 7]])
result = max_pool_switches(table.copy(), 2, 2)
assert_tuple(result, ("values", "switches"), "max_pool_switches")
assert_close(result[0], [[4, 2], [2, 8]], "values")
assert_close(
    result[1],
    [[4, 3], [12, 10]],
    "switches",
    hint="入力全体での通し番号 r * W + c です / numbered through the whole input: r * W + c",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(311)
for shape, kernel in [((6, 10), 2), ((9, 7), 3), ((5, 4), 2), ((4, 9), 4), ((3, 5), 1)]:
    x = rng.standard_normal(shape) - 2
    right = F_reference.max_pool2d(from_numpy(x.copy())[None], kernel, return_indices=True)
    result = max_pool_switches(x.copy(), kernel, kernel)
    assert_tuple(result, ("values", "switches"), "max_pool_switches")
    assert_close(result[0], right[0][0].numpy(), f"values (x {shape}, kernel={kernel})")
    assert_close(
        result[1], right[1][0].numpy(), f"switches (x {shape}, kernel={kernel})", hint="W は入力の幅です / W: of x"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-switches-overlap", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

result = max_pool_switches([[0, 5, 0, 5], [5, 0, 0, 0]], 2, 1)
assert_tuple(result, ("values", "switches"), "max_pool_switches")
assert_close(
    result[1],
    [[1, 1, 3]],
    "switches (重なりと同点 / overlap and ties)",
    hint="同点なら上、つぎに左 / ties: upper, then left",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(312)
for shape, kernel, stride in [((6, 9), 3, 2), ((8, 5), 3, 1), ((7, 11), 2, 3), ((9, 6), 4, 2)]:
    # few different values: nearly every window has a tie
    x = rng.integers(-3, 0, shape)
    values, switches = [], []
    for top in range(0, shape[0] - kernel + 1, stride):
        for left in range(0, shape[1] - kernel + 1, stride):
            places = [(r, c) for r in range(top, top + kernel) for c in range(left, left + kernel)]
            r, c = max(places, key=lambda place: x[place])  # max() takes the first of equals
            values.append(x[r, c])
            switches.append(r * shape[1] + c)
    size = ((shape[0] - kernel) // stride + 1, (shape[1] - kernel) // stride + 1)
    result = max_pool_switches(x.tolist(), kernel, stride)
    assert_tuple(result, ("values", "switches"), "max_pool_switches")
    name = f"(x {shape}, kernel={kernel}, stride={stride})"
    assert_close(result[0], np.reshape(values, size), f"values {name}")
    assert_close(
        result[1], np.reshape(switches, size), f"switches {name}", hint="同点なら上、つぎに左 / upper, then left"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# スイッチがあると、捨てた「場所」を取り戻せます。下の図は、2×2 のプーリングで残った 1024 個の値を、元の大きさの絵に並べ直したものです。
# 左から、元の特徴地図、値を窓の左上に置いたもの (場所を忘れた)、値をスイッチの場所に置いたもの (場所を覚えている) です。
# **何が** あったかだけでなく **どこに** あったかを知るには、プーリングの前の情報が要ります。

# %% [markdown] tags=["lang-en"]
# With switches the lost place comes back. From the 1024 values that a 2×2 pooling leaves: each put at its window's corner
# (place forgotten), and each put at its switch (place remembered).

# %%
values, switches = (np.asarray(part) for part in max_pool_switches(s_layer, 2, 2))
forgotten, remembered = np.zeros((64, 64)), np.zeros(64 * 64)
forgotten[::2, ::2] = values
remembered[switches.astype(int)] = values
show_images(
    [s_layer, forgotten, remembered.reshape(64, 64)],
    titles=["特徴地図\nfeature map", "場所を忘れた\nplace forgotten", "スイッチで復元\nby switches"],
    value_range=(0, 0.5),
    inches=2.2,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 4. 逆伝播 — 勾配を送り返す (11 点)
#
# ネットワークの学習では、損失 $L$ を出力 $y$ で微分した $g_{r,c} = \partial L / \partial y_{r,c}$ が後ろの層から届きます。
# プーリング層の仕事は、それを入力での微分 $\partial L / \partial x$ に直すことです。
#
# - **最大値**: 窓の最大値を 1 だけ増やすと出力も 1 増え、ほかの値を少し動かしても出力は変わりません。
#   だから $g$ は **スイッチの場所だけ** に届き、ほかは 0 です (同点なら問 3 と同じく、上、つぎに左)
# - **平均**: どの値を 1 増やしても出力は $1/k^2$ 増えます。だから $g / k^2$ が窓の **全員** に届きます
# - 窓が重なるとき、一つの入力が **いくつもの窓** に入ります。届いた勾配は上書きせずに **足し合わせ** ます
#
# $$\frac{\partial L}{\partial x_{a,b}} = \sum_{(r,c)} g_{r,c} \, \frac{\partial y_{r,c}}{\partial x_{a,b}}$$
#
# 自分の微分が正しいかは、いつでも数値で確かめられます。一つの入力を $\pm\varepsilon$ だけ動かし、 $\sum g\,y$ の変化を $2\varepsilon$
# で割るのです (**中心差分**)。採点では、それと PyTorch の autograd の両方を使って確かめます。

# %% [markdown] tags=["lang-en"]
# ## Question 4. The backward pass (11 points)
#
# In learning, $g_{r,c} = \partial L/\partial y_{r,c}$ arrives from behind, and the layer turns it into
# $\partial L/\partial x$. **Max**: only the winner of a window can change the output, so $g$ goes to the **switch** alone (ties:
# upper, then left). **Average**: everyone in the window gets $g/k^2$. Where windows overlap, one input belongs to
# **several** windows: **add** what arrives, do not overwrite. Check yourself with finite differences: move one input by
# ±ε and divide the change of $\sum g\,y$ by 2ε. Marking does that, and asks PyTorch's autograd.


# %% nbgrader={"grade": false, "grade_id": "pool-backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pool_backward(x, gradient, kernel, stride, mode):
    """プーリング層の逆伝播 (パディングなし) / backward pass of a pooling layer without padding.

    x        : (H, W) の配列、順方向のときの入力 / an array, the input of the forward pass
    gradient : (H', W') の配列、出力についての勾配 g / an array, gradient with respect to the output
    kernel, stride : 窓の一辺と、ずらす幅 / side and step of the window
    mode     : "max" または "average"
    返り値 / returns : (H, W) 入力についての勾配 / gradient with respect to the input
    x と gradient は書きかえない / x and gradient stay as they are
    """
    ### BEGIN SOLUTION
    result = np.zeros(np.shape(x))
    for (row, column), g in np.ndenumerate(gradient):
        area = np.s_[row * stride : row * stride + kernel, column * stride : column * stride + kernel]
        if mode == "max":
            result[area].flat[x[area].argmax()] += g
        else:
            result[area] += g / kernel**2
    return result
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-pool-backward-max", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

x = np.array([[1.0, 3, 0, 2], [4, 2, 1, 1]])
g = np.array([[10.0, -5]])
assert_close(
    pool_backward(x, g, 2, 2, "max"),
    [[0, 0, 0, -5], [10, 0, 0, 0]],
    'pool_backward (mode="max")',
    hint="勾配は最大値の場所だけに届きます / the gradient goes to the place of the maximum alone",
)
assert np.array_equal(x, [[1, 3, 0, 2], [4, 2, 1, 1]]), "x が書きかわっています / x was changed"
assert np.array_equal(g, [[10, -5]]), "gradient が書きかわっています / gradient was changed"
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(321)
for shape, kernel, stride in [((6, 8), 2, 2), ((9, 7), 3, 3), ((7, 10), 2, 3)]:
    x = rng.standard_normal(shape) - 2
    tensor = from_numpy(x.copy())[None].requires_grad_()
    output = F_reference.max_pool2d(tensor, kernel, stride)
    g = rng.standard_normal(output.shape[1:])
    output.backward(from_numpy(g.copy())[None])
    x_before, g_before = x.copy(), g.copy()
    result = pool_backward(x, g, kernel, stride, "max")
    assert_close(result, tensor.grad[0].numpy(), f"pool_backward (x {shape}, kernel={kernel}, stride={stride})")
    assert np.array_equal(x, x_before), "x が書きかわっています / x was changed"
    assert np.array_equal(g, g_before), "gradient が書きかわっています / gradient was changed"
# a tie: the upper one wins, then the left one
x, g = np.array([[0.0, 7, 1, 2], [7, 0, 2, 2]]), np.array([[3.0, 4]])
assert_close(
    pool_backward(x, g, 2, 2, "max"),
    [[0, 3, 0, 4], [0, 0, 0, 0]],
    "pool_backward (同点 / ties)",
    hint="同点のときは一人だけが受け取ります / only one of equals gets it",
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-pool-backward-overlap", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

assert_close(
    pool_backward(np.array([[0.0, 9, 0], [0, 0, 0]]), np.array([[2.0, 3]]), 2, 1, "max"),
    [[0, 5, 0], [0, 0, 0]],
    "pool_backward (重なり / overlap)",
    hint="二つの窓から届いた勾配は足し合わせます / add what arrives from two windows",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(322)
for shape, kernel, stride in [((7, 9), 3, 2), ((6, 5), 3, 1), ((9, 8), 4, 2)]:
    x = rng.permutation(shape[0] * shape[1]).reshape(shape) / 10  # no ties, differences of 0.1
    size = ((shape[0] - kernel) // stride + 1, (shape[1] - kernel) // stride + 1)
    g = rng.uniform(1, 2, size)

    def loss(image, g=g, kernel=kernel, stride=stride):
        return float((F_reference.max_pool2d(from_numpy(image)[None], kernel, stride)[0].numpy() * g).sum())

    right = np.zeros(shape)
    for place in np.ndindex(shape):
        step = np.zeros(shape)
        step[place] = 0.01  # smaller than the differences: the loss is linear here, central differences are exact
        right[place] = (loss(x + step) - loss(x - step)) / 0.02
    assert_close(
        pool_backward(x.copy(), g.copy(), kernel, stride, "max"),
        right,
        f"pool_backward (x {shape}, kernel={kernel}, stride={stride})",
        hint="上書きせずに足していますか / do you add instead of overwriting?",
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-pool-backward-average", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

assert_close(
    pool_backward(np.zeros((2, 4)), np.array([[4.0, -8]]), 2, 2, "average"),
    [[1, 1, -2, -2], [1, 1, -2, -2]],
    'pool_backward (mode="average")',
    hint="窓の全員に 1/k² ずつ届きます / everyone in the window gets its share, 1/k²",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(323)
for shape, kernel, stride in [((6, 8), 2, 2), ((7, 9), 3, 2), ((8, 5), 3, 1), ((7, 10), 2, 3)]:
    x = rng.standard_normal(shape)
    tensor = from_numpy(x.copy())[None].requires_grad_()
    output = F_reference.avg_pool2d(tensor, kernel, stride)
    g = rng.standard_normal(output.shape[1:])
    output.backward(from_numpy(g.copy())[None])
    result = pool_backward(x.copy(), g.copy(), kernel, stride, "average")
    assert_close(
        result, tensor.grad[0].numpy(), f'pool_backward (x {shape}, kernel={kernel}, stride={stride}, mode="average")'
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔の特徴地図に、すべて 1 の勾配を送り返してみます。最大値では **4 個に 1 個** の入力だけが学習の信号を受け取ります。
# 平均では全員が同じだけ、うすい信号を受け取ります。重なりがあると (右端)、いくつもの窓で勝った場所に大きな信号が集まります。
# 点が規則正しく並ぶところは、窓の中がすべて 0 (同点) で、いつも左上が選ばれた場所です。

# %% [markdown] tags=["lang-en"]
# Send back a gradient of ones through the face's feature map. With the maximum, one input in four gets any signal; with
# the average, all get the same faint one; with overlap (right), winners of several windows get the most. Where the
# dots stand in rows, a window held nothing but zeros: a tie, and the upper left one was chosen.

# %%
ones = np.ones((32, 32))
back_max = np.asarray(pool_backward(s_layer, ones, 2, 2, "max"))
back_average = np.asarray(pool_backward(s_layer, ones, 2, 2, "average"))
back_overlap = np.asarray(pool_backward(s_layer, np.ones((31, 31)), 3, 2, "max"))
print(
    f"信号を受け取った入力 / inputs that got a signal: 最大値 {np.mean(back_max > 0):.0%}, 平均 {np.mean(back_average > 0):.0%}"
)
show_images(
    [back_max, back_average, back_overlap],
    titles=["最大値 / max\nk = 2, s = 2", "平均 / average\nk = 2, s = 2", "最大値 / max\nk = 3, s = 2"],
    value_range=(0, 1.5),
    inches=2.2,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ---
# # C. ずれと反応
#
# ## 問 5. 不変性の曲線 (10 点)
#
# プーリングをすると、本当に「ずれても同じ」になるのでしょうか。測ってみましょう。
# 特徴地図 $x$ を右へ $d$ 画素ずらしたものを $x^{(d)}$、 $k \times k$ の最大値プーリング (ストライド $k$) を $P$ とします。
#
# 1. ずらす前の C 細胞たちの反応 $\boldsymbol a = P(x)$ と、ずらした後の反応 $\boldsymbol b = P(x^{(d)})$ を求める
# 2. 二つの反応がどれだけ似ているかを **コサイン類似度** で測る
#
# $$\cos(\boldsymbol a, \boldsymbol b) = \frac{\sum_i a_i b_i}{\sqrt{\sum_i a_i^2}\,\sqrt{\sum_i b_i^2}}$$
#
# 反応の型が同じなら 1、共通の反応が何もなければ 0 です ($x \ge 0$ とします)。
#
# - **ずらすのはプーリングの前** です。世界のほうが動くのですから
# - 右へずらしたとき、左端から入ってくるのは 0 で、右端からはみ出した分は **消えます**。
#   `np.roll` は、はみ出した分を反対側から入れてしまうので使えません (毎年の失敗です)
# - $d$ が **負** のときは左へずらします。 $|d|$ は幅より小さいとします
#
# 最大値プーリングは、`F.max_pool2d(torch.from_numpy(x)[None], kernel)[0].numpy()` でも、自分の問 2 でもかまいません。

# %% [markdown] tags=["lang-en"]
# ---
# # C. Shift and response
#
# ## Question 5. A curve of invariance (10 points)
#
# Does pooling make a shifted pattern look the same? Measure it. Move the feature map $x$ to the right by $d$ pixels,
# pool both ($k \times k$ maximum, stride $k$), and take the **cosine similarity** of the two responses (formula above):
# 1 for the same pattern, 0 when no response is shared. Shift **before** pooling: it is the world that moves. Zeros come
# in, what leaves is gone; `np.roll` lets it in again on the other side (the mistake of every year). Negative $d$ moves
# to the left; $|d|$ is smaller than the width. For pooling use the line above or your question 2.


# %% nbgrader={"grade": false, "grade_id": "shift-curve", "locked": false, "schema_version": 3, "solution": true, "task": false}
def shift_curve(x, shifts, kernel):
    """ずれと、C 細胞の反応の類似度 / similarity of pooled responses against shift.

    x      : (H, W) 0 以上の小数の配列 / an array of floats, not negative
    shifts : 右へのずれ (画素) の並び。負なら左へ / shifts to the right in pixels; negative: to the left
    kernel : プーリングの窓の一辺。ストライドも同じ / side and stride of the pooling
    返り値 / returns : (len(shifts),) コサイン類似度 / cosine similarities
    ずらした後も、どこかに 0 でない反応が残るものとする / some response is left after each shift
    """
    ### BEGIN SOLUTION
    width = x.shape[1]
    wide = np.pad(x, ((0, 0), (width, width)))
    responses = []
    for shift in [0, *shifts]:
        seen = wide[:, width - shift : 2 * width - shift]
        responses.append(F.max_pool2d(torch.tensor(seen)[None], kernel).numpy())
    a = responses[0]
    return [np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2)) for b in responses[1:]]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-shift-curve", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

x = np.array([[0.0, 3, 0, 0, 0, 4], [0, 0, 0, 0, 0, 0]])
hint = "はみ出した分は消えます。右へずらしましたか / what leaves is gone; to the right?"
assert_close(shift_curve(x, [0, 1, 4], 1), [1, 0, 0.8], "shift_curve (kernel=1)", hint=hint)
assert_close(shift_curve(x, [-4], 1), [0.6], "shift_curve (負のずれ / to the left)", hint=hint)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(331)
for height, width in [(5, 9), (8, 6)]:
    x = rng.random((height, width)) * (rng.random((height, width)) < 0.5)
    x[:, 0], x[:, -1] = rng.uniform(1, 2, (2, height))  # bright at both ends: wrapping round shows
    shifts = [0, 2, -1, 3, 1 - width, -4]
    right = []
    for shift in shifts:
        # compare what stays inside: column c of the shifted map is column c - shift of x
        pairs = [(x[r, c], x[r, c - shift]) for r in range(height) for c in range(width) if 0 <= c - shift < width]
        dot = sum(a * b for a, b in pairs)
        right.append(dot / np.sqrt((x**2).sum() * sum(b * b for _, b in pairs)))
    assert_close(
        shift_curve(x.copy(), list(shifts), 1), right, f"shift_curve (x {(height, width)}, kernel=1)", hint=hint
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-shift-curve-pooled", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

x = np.zeros((4, 8))
x[1, 2], x[2, 5] = 2.0, 1.0
hint = "プーリングの前にずらしますか。窓は kernel おきですか / shift first? windows kernel apart?"
assert_close(shift_curve(x, [1], 2), [0.8], "shift_curve (kernel=2)", hint=hint)
assert_close(shift_curve(x, [1, -1, -2], 4), [1, 1, 2 / np.sqrt(5)], "shift_curve (kernel=4)", hint=hint)
### BEGIN HIDDEN TESTS
from scipy.spatial.distance import cosine as cosine_distance
from skimage.measure import block_reduce

rng = np.random.default_rng(332)
for height, width, kernel in [(6, 12, 2), (9, 12, 3), (8, 16, 4), (10, 15, 5)]:
    x = rng.random((height, width)) ** 4 + 0.01
    shifts = [0, 1, -2, kernel, 4, -3]
    responses = []
    for shift in [0, *shifts]:
        seen = np.zeros((height, width))
        for c in range(max(shift, 0), width + min(shift, 0)):
            seen[:, c] = x[:, c - shift]
        responses.append(block_reduce(seen, kernel, np.max).ravel())
    right = [1 - cosine_distance(responses[0], response) for response in responses[1:]]
    assert_close(
        shift_curve(x.copy(), list(shifts), kernel),
        right,
        f"shift_curve (x {(height, width)}, kernel={kernel})",
        hint=hint,
    )
# an odd size: left-over columns are not used
x = rng.random((5, 11))
right = []
for shift in (1, -1):
    seen = np.pad(x, ((0, 0), (1, 1)))[:, 1 - shift : 12 - shift]
    a, b = (block_reduce(part[:4, :10], 2, np.max) for part in (x, seen))
    right.append((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
assert_close(shift_curve(x.copy(), [1, -1], 2), right, "shift_curve (奇数の大きさ / odd size)")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 本物の顔で、窓の大きさごとに曲線を描きます (5 人の縦の境目の特徴地図の平均です)。
# 窓が大きいほど、曲線はゆっくり下がります。窓が **受容野** の広さです。
# ただし、曲線は 1 のままではありません。一段のプーリングで得られる不変性は、**窓の大きさまで** です。

# %% [markdown] tags=["lang-en"]
# Curves for real faces (mean of five persons): the larger the window, the slower they fall. One layer of pooling buys
# invariance **up to about the size of its window**, and no more.

# %%
layers = [np.maximum(cv2.Sobel(image, cv2.CV_64F, 1, 0), 0) for image in faces.images[:50:10]]
shifts = list(range(-12, 13, 3))
figure, axis = plt.subplots(figsize=(6, 3.2))
for kernel in (1, 2, 4, 8, 16):
    axis.plot(
        shifts,
        np.mean([np.asarray(shift_curve(x, shifts, kernel)) for x in layers], axis=0),
        "o-",
        label=f"{kernel}×{kernel}",
    )
axis.set_xlabel("ずれ (画素) / shift in pixels")
axis.set_ylabel("反応の類似度 / similarity")
axis.set_ylim(0, 1.05)
axis.legend(title="窓 / window", fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 6. MAX か SUM か — リーゼンフーバーとポッジオの実験 (11 点)
#
# 講義で見た実験を思い出しましょう。下側頭葉のある細胞は「水のボトル」に強く反応し、刺激を単純にしていくと、
# 楕円を棒が支える **パドル** の形で一番強く反応しました。ところが **棒だけ**、 **楕円だけ** では、ほとんど反応しません。
#
# モデルは三段です。
#
# 1. **S 細胞**: 棒と楕円のつなぎ目の **左側**、**右側** という 2 種類の小さな特徴 $\boldsymbol f_1, \boldsymbol f_2$ を、画面の **すべての場所** で探す。
#    反応は相関を半波整流したもの: $s = \max\bigl(0, \sum \boldsymbol f \cdot \text{窓}\bigr)$
# 2. **C 細胞**: 特徴ごとに、すべての場所の S 細胞を一つの数にまとめる。
#    $c_j = \max_i s_{j,i}$ (MAX) または $c_j = \sum_i s_{j,i}$ (SUM)。
#    地図全体を一つの数にする、この極端なプーリングを **大域プーリング** (global pooling) といいます
# 3. **IT 細胞** (下側頭葉の細胞): 好きな刺激を見たときの C 細胞の反応 $\boldsymbol c^*$ に近いほど、強く反応する
#
# $$v = \exp\left(- \frac{\lVert \boldsymbol c - \boldsymbol c^* \rVert^2}{2\,\sigma^2\,\lVert \boldsymbol c^* \rVert^2}\right)$$
#
# - $\lVert \cdot \rVert^2$: 成分の二乗和、 $\sigma$: 選り好みの鋭さ (小さいほど鋭い)。好きな刺激そのものでは $v = 1$ です
#
# 相関には `scipy.signal.correlate2d(picture, feature, mode="valid")` が使えます
# (特徴を裏返さず、画面からはみ出さない場所だけを計算します)。ループで書いてもかまいません。

# %% [markdown] tags=["lang-en"]
# ## Question 6. MAX or SUM: Riesenhuber and Poggio's experiment (11 points)
#
# A cell of inferotemporal cortex liked a water bottle, and liked best a simple **paddle**: an ellipse on a rod. To the
# rod alone or the ellipse alone it hardly answered. The model has three stages. **S cells** look for two small
# features, the left and the right side of the joint, at **every place**: a correlation, half-wave rectified. **C
# cells** make one number of all places, by MAX or by SUM, for each feature (**global pooling**). The **IT cell**
# (inferotemporal) answers the more, the closer the C responses are to those for its preferred stimulus (formula above;
# $\lVert\cdot\rVert^2$: sum of squares; σ: how choosy it is).
# `scipy.signal.correlate2d(picture, feature, mode="valid")` is the correlation; loops are fine.

# %%
show_images(
    [*stimuli.values(), *[0.5 + 2 * feature for feature in joint_features]],
    titles=[*stimuli, "特徴: 左\nfeature: left", "特徴: 右\nfeature: right"],
    columns=7,
    value_range=(0, 1),
)
plt.show()


# %% nbgrader={"grade": false, "grade_id": "max-or-sum", "locked": false, "schema_version": 3, "solution": true, "task": false}
def c_responses(picture, features, mode):
    """C 細胞の反応 (大域プーリング) / responses of the C cells, by global pooling.

    picture  : (H, W) 刺激 / the stimulus
    features : 同じ大きさ (h, w) の配列の並び / a sequence of arrays, all (h, w)
    mode     : "max" または "sum"
    返り値 / returns : (len(features),) 特徴ごとの C 細胞の反応 / one number for each feature
    """
    ### BEGIN SOLUTION
    responses = []
    for feature in features:
        s = np.maximum(correlate2d(picture, feature, mode="valid"), 0)
        responses.append(s.max() if mode == "max" else s.sum())
    return np.array(responses)
    ### END SOLUTION


def it_cell(picture, preferred, features, mode, sigma):
    """好きな刺激に近いものほど強く反応する IT 細胞 / a cell tuned to its preferred stimulus.

    picture   : (H, W) 刺激 / the stimulus
    preferred : 好きな刺激 (picture と大きさがちがってもよい) / the preferred stimulus; may differ in size
    features, mode : c_responses と同じ / as for c_responses
    sigma     : 選り好みの鋭さ (0 より大きい) / choosiness, > 0
    返り値 / returns : 反応 v (0 から 1) / the response, 0 to 1
    """
    ### BEGIN SOLUTION
    best = c_responses(preferred, features, mode)
    distance = np.sum((c_responses(picture, features, mode) - best) ** 2)
    return np.exp(-distance / (2 * sigma**2 * np.sum(best**2)))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-c-responses-max", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

picture = np.zeros((5, 6))
picture[1, 2], picture[3, 4] = 1.0, 3.0
pair = np.array([[1.0, 1.0]])
edge = np.array([[-1.0, 1.0]])
assert_close(c_responses(picture, [pair, edge], "max"), [3, 3], 'c_responses (mode="max")')
assert_close(
    c_responses(-picture, [pair], "max"),
    [0],
    'c_responses (mode="max")',
    hint="S 細胞の反応は負になりません / an S cell's response is never negative",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(341)
for shape, kernel, count in [((7, 9), (3, 3), 2), ((8, 6), (2, 4), 3), ((5, 12), (4, 1), 1), ((4, 4), (4, 4), 4)]:
    picture, features = rng.standard_normal(shape), rng.standard_normal((count, *kernel))
    s = F_reference.conv2d(from_numpy(picture.copy())[None, None], from_numpy(features.copy())[:, None])[0]
    right = s.clamp(min=0).amax(dim=(1, 2)).numpy()
    name = f'c_responses (picture {shape}, features {kernel}, mode="max")'
    assert_close(
        c_responses(picture.copy(), list(features), "max"), right, name, hint="特徴は裏返しません / do not flip"
    )
# all S cells below zero: the C cell is silent
picture, features = -rng.uniform(1, 2, (5, 7)), rng.uniform(1, 2, (2, 2, 3))
assert_close(c_responses(picture, features, "max"), [0, 0], "c_responses (負の相関だけ / negative correlations only)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-c-responses-sum", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

picture = np.zeros((5, 6))
picture[1, 2], picture[3, 4] = 1.0, 3.0
pair = np.array([[1.0, 1.0]])
edge = np.array([[-1.0, 1.0]])
assert_close(
    c_responses(picture, [pair, edge], "sum"),
    [8, 4],
    'c_responses (mode="sum")',
    hint="最大値ではなく和です。負の反応は 0 にしてから足します / "
    "the sum, not the largest; negative responses become 0 before that",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(342)
for shape, kernel, count in [((7, 9), (3, 3), 2), ((8, 6), (2, 4), 3), ((5, 12), (4, 1), 1), ((4, 4), (4, 4), 4)]:
    picture, features = rng.standard_normal(shape), rng.standard_normal((count, *kernel))
    s = F_reference.conv2d(from_numpy(picture.copy())[None, None], from_numpy(features.copy())[:, None])[0]
    right = s.clamp(min=0).sum(dim=(1, 2)).numpy()
    name = f'c_responses (picture {shape}, features {kernel}, mode="sum")'
    assert_close(
        c_responses(picture.copy(), list(features), "sum"), right, name, hint="すべての場所を足します / all places"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-it-cell", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

dot = np.ones((1, 1))
one, two = np.array([[0.0, 1, 0, 0, 0]]), np.array([[0.0, 1, 0, 1, 0]])
assert_close(it_cell(one, one, [dot], "sum", 0.5), 1.0, "it_cell (好きな刺激 / preferred)")
assert_close(it_cell(two, one, [dot], "max", 0.5), 1.0, 'it_cell (mode="max")', hint="MAX は二つ目に気づきません / MAX")
assert_close(
    it_cell(two, one, [dot], "sum", 0.5),
    np.exp(-2),
    'it_cell (mode="sum")',
    hint="c* の二乗和で割りましたか / divided by the sum of squares of c*?",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F_reference
from torch import from_numpy

rng = np.random.default_rng(343)
for mode, sigma in [("max", 0.3), ("sum", 0.7), ("max", 1.5), ("sum", 0.25)]:
    # the two pictures differ in size: both hold the same kind of noise, the larger one has more of it
    pictures = [rng.standard_normal((8, 9)), rng.standard_normal((7, 10))]
    features = rng.standard_normal((3, 2, 3))
    c = []
    for picture in pictures:
        s = F_reference.conv2d(from_numpy(picture.copy())[None, None], from_numpy(features.copy())[:, None])[0]
        c.append((s.clamp(min=0).amax(dim=(1, 2)) if mode == "max" else s.clamp(min=0).sum(dim=(1, 2))).numpy())
    squares = [float(((c[0] - c[1]) ** 2).sum()), float((c[1] ** 2).sum())]
    right = np.exp(-squares[0] / (2 * sigma**2 * squares[1]))
    result = it_cell(pictures[0].copy(), pictures[1].copy(), list(features), mode, sigma)
    assert_close(
        result, right, f'it_cell (mode="{mode}", sigma={sigma})', hint="c* は好きな刺激のほうです / c*: preferred"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 実験です。黒が MAX、灰色が SUM の IT 細胞の反応です (講義で見た図の黒と灰色に合わせてあります)。
#
# - **ずらす**: どちらもほとんど変わりません。大域プーリングをすれば、束ね方によらず並進不変になります
#   (SUM がほんのわずかに変わるのは、画面の端では窓がはみ出すので、そこに S 細胞を置けないためです)
# - **棒だけ・楕円だけ**: どちらの細胞もほとんど反応しません
# - **邪魔者がいる**: 同じ受容野に四角が入ってきただけで、SUM の細胞は黙ってしまいます。MAX の細胞は **気づきもしません**

# %% [markdown] tags=["lang-en"]
# The experiment: black MAX, grey SUM, as in the lecture's figure. A shift changes neither (SUM by
# a trifle: there are no S cells whose windows leave the screen). Rod or ellipse alone leave both nearly silent. But a
# square in the same receptive field (**clutter**) silences SUM, and MAX does not even notice.

# %%
figure, axis = plt.subplots(figsize=(7, 3))
for place, (mode, colour) in enumerate([("max", "black"), ("sum", "0.6")]):
    bars = [
        float(it_cell(stimulus, stimuli["パドル\npaddle"], joint_features, mode, 0.12)) for stimulus in stimuli.values()
    ]
    axis.bar(np.arange(len(bars)) + 0.38 * place - 0.19, bars, width=0.36, color=colour, label=mode.upper())
    print(mode.upper(), ", ".join(f"{name.split()[0]} {bar:.2f}" for name, bar in zip(stimuli, bars, strict=True)))
axis.set_xticks(range(len(stimuli)), list(stimuli))
axis.set_ylabel("IT 細胞の反応 / response")
axis.set_ylim(0, 1.3)
axis.legend(loc="upper center", ncols=2)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 記述 1 (5 点)
#
# 1. 邪魔者がいると、SUM の細胞が黙り、MAX の細胞が変わらないのはなぜですか。
#    C 細胞の反応 $\boldsymbol c$ に何が起きたかで説明してください
#    (`c_responses(stimuli[...], joint_features, "sum")` を実際に計算してみましょう)。
# 2. MAX の細胞にも弱点があります。つなぎ目の左側と右側の特徴を **別々の場所に切り離して** 置いた刺激を見せたら、
#    この細胞はどう反応するはずですか。それはなぜですか。脳やネットワークは、それをどう防いでいると思いますか。
#
# 全部で 4〜8 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 1 (5 points)
#
# (1) Why does clutter silence SUM and not MAX? Argue with what happens to $\boldsymbol c$ (compute it). (2) MAX has a
# weak side, too: show it the left and the right feature torn apart, at two different places. What will this cell do,
# and why? How may brains and networks prevent that? Four to eight lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-max-or-sum", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. SUM では、四角の縁や角に反応した S 細胞の分まで足されるので、c が好きな刺激のとき (c* = 707, 707) より大きくなり (1154, 1099)、
#    c* から離れて v が下がる。MAX では、四角への反応はつなぎ目への反応より弱いので最大値は入れ替わらず、c は c* (5.4, 5.4) のまま、
#    v も 1 のままである。
# 2. 大域的な MAX は「どこかに左の特徴があり、どこかに右の特徴がある」ことしか見ないので、切り離された刺激にも 1 に近い反応をする
#    (位置関係を捨てているから)。防ぐには、一度に全体をまとめず、小さな窓のプーリングと特徴抽出を何段も重ねる
#    (S → C → S → C)、窓を重ねる、左右をまとめた大きな特徴を S 細胞にする、など。
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): SUM では四角の分まで加わって c が変わる、に 1 点。MAX では一番強い反応が入れ替わらない、に 1 点。
#    「MAX はノイズに強いから」だけなら 0 点。
# 2 (3 点): 「やはり強く反応する」に 1 点。位置関係 (どこにあるか) を捨てている、に 1 点。
#    防ぎ方 (小さな窓を何段も、窓の重なり、より大きな組み合わせの特徴、位置を別の経路で運ぶ、など筋の通ったもの) に 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ---
# # D. LeNet-5 と数字
#
# 畳み込み (S 細胞) とプーリング (C 細胞) を交互に重ね、学習できるようにしたのが、ルカンの **LeNet-5** (1998) です。
#
# $$32{\times}32 \;\xrightarrow{\text{C1: 畳み込み}}\; \xrightarrow{\text{S2: プーリング}}\; \xrightarrow{\text{C3: 畳み込み}}\;
# \xrightarrow{\text{S4: プーリング}}\; \xrightarrow{\text{C5: 畳み込み}}\; \xrightarrow{\text{F6: 全結合}}\; 10$$
#
# (名前が紛らわしいのですが、LeNet の C は convolution、S は subsampling で、ネオコグニトロンの C 細胞・S 細胞とは **逆** です。)
#
# ## 問 7. 形とパラメータの数 (9 点)
#
# ネットワークを設計するときに一番よく間違えるのが、層ごとの **形** です。層の並びから、形とパラメータの数を計算してください。
#
# | 層 | 書き方 | 出力の形 | 学習するパラメータの数 |
# |---|---|---|---|
# | 畳み込み (ストライド 1) | `("conv", 出力チャンネル数 m, カーネル k, パディング p)` | $(m,\; H + 2p - k + 1,\; W + 2p - k + 1)$ | $m\,(C k^2 + 1)$ |
# | プーリング (パディングなし) | `("pool", カーネル k, ストライド s)` | $(C,\; \lfloor\frac{H-k}{s}\rfloor + 1,\; \lfloor\frac{W-k}{s}\rfloor + 1)$ | 0 |
# | 全結合 | `("full", 出力の数 m)` | $(m,\, 1,\, 1)$ | $m\,(C H W + 1)$ |
#
# - $(C, H, W)$: その層への入力のチャンネル数・高さ・幅
# - 畳み込みの重みは、**入力チャンネルごとに** $k \times k$ 個あり、出力チャンネルごとにバイアスが一つ付きます ($+1$)

# %% [markdown] tags=["lang-en"]
# ---
# # D. LeNet-5 and digits
#
# LeCun's **LeNet-5** (1998) stacks convolution (S cells) and pooling (C cells) and learns. (Its names are confusing: C
# for convolution and S for subsampling, just the other way round from the Neocognitron.)
#
# ## Question 7. Shapes and parameters (9 points)
#
# Work out each layer's output shape and number of parameters, see the table: `("conv", m, k, p)` (stride 1),
# `("pool", k, s)` (no padding, no parameters), `("full", m)`. $(C, H, W)$ is the shape of the layer's input. A
# convolution has $k \times k$ weights **for each input channel**, and a bias for each output channel (+1).


# %% nbgrader={"grade": false, "grade_id": "layer-shapes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_shapes(shape, layers):
    """層ごとの出力の形と、パラメータの数 / shapes and parameters, layer by layer.

    shape  : 入力の (チャンネル数, 高さ, 幅) / (channels, height, width) of the input
    layers : ("conv", m, k, p)、("pool", k, s)、("full", m) の並び / a sequence of these
    返り値 / returns : (shapes, parameters)
        shapes     : 層ごとの出力の (C, H, W) / output shape of each layer
        parameters : 層ごとのパラメータの数 / number of parameters of each layer
    """
    ### BEGIN SOLUTION
    channels, height, width = shape
    shapes, parameters = [], []
    for kind, *numbers in layers:
        if kind == "conv":
            out, kernel, padding = numbers
            parameters.append(out * (channels * kernel**2 + 1))
            grow = 2 * padding - kernel + 1
            channels, height, width = out, height + grow, width + grow
        elif kind == "pool":
            kernel, stride = numbers
            parameters.append(0)
            height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        else:
            parameters.append(numbers[0] * (channels * height * width + 1))
            channels, height, width = numbers[0], 1, 1
        shapes.append((channels, height, width))
    return shapes, parameters
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-layer-shapes", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

result = layer_shapes((3, 9, 12), [("conv", 4, 3, 0), ("pool", 2, 2), ("full", 5)])
assert_tuple(result, ("shapes", "parameters"), "layer_shapes")
assert_close(
    result[0], [(4, 7, 10), (4, 3, 5), (5, 1, 1)], "shapes", hint="(C, H, W) の順です / in the order (C, H, W)"
)
### BEGIN HIDDEN TESTS
from torch import nn as nn_reference
from torch import zeros

for shape, layers in [
    (
        (1, 32, 32),
        [("conv", 6, 5, 0), ("pool", 2, 2), ("conv", 16, 5, 0), ("pool", 2, 2), ("conv", 120, 5, 0), ("full", 84)],
    ),
    ((1, 28, 28), [("conv", 6, 5, 2), ("pool", 2, 2), ("conv", 16, 5, 0), ("pool", 2, 2), ("full", 120), ("full", 10)]),
    ((3, 21, 34), [("conv", 8, 4, 1), ("pool", 3, 2), ("pool", 2, 3), ("conv", 5, 1, 0)]),
    ((2, 15, 10), [("pool", 3, 1), ("conv", 7, 3, 3), ("pool", 4, 3), ("full", 6), ("full", 2)]),
    ((2, 4, 7), [("full", 3)]),
]:
    signal, right = zeros(1, *shape), []
    for kind, *numbers in layers:
        if kind == "conv":
            signal = nn_reference.Conv2d(signal.shape[1], numbers[0], numbers[1], padding=numbers[2])(signal)
        elif kind == "pool":
            signal = nn_reference.MaxPool2d(numbers[0], stride=numbers[1])(signal)
        else:
            signal = nn_reference.Linear(signal.numel(), numbers[0])(signal.flatten(1))[:, :, None, None]
        right.append(tuple(signal.shape[1:]))
    result = layer_shapes(shape, list(layers))
    assert_tuple(result, ("shapes", "parameters"), "layer_shapes")
    assert_close(result[0], right, f"shapes ({layers})")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-layer-parameters", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

result = layer_shapes((1, 8, 8), [("conv", 2, 3, 0), ("pool", 2, 2), ("full", 10)])
assert_tuple(result, ("shapes", "parameters"), "layer_shapes")
assert_close(result[1], [20, 0, 190], "parameters", hint="バイアスを数えましたか / did you count the biases?")
### BEGIN HIDDEN TESTS
from torch import nn as nn_reference

for shape, layers in [
    (
        (1, 32, 32),
        [("conv", 6, 5, 0), ("pool", 2, 2), ("conv", 16, 5, 0), ("pool", 2, 2), ("conv", 120, 5, 0), ("full", 84)],
    ),
    ((3, 21, 34), [("conv", 8, 4, 1), ("pool", 3, 2), ("conv", 5, 1, 0), ("full", 9), ("full", 4)]),
    ((2, 4, 7), [("full", 3)]),
    ((5, 6, 9), [("conv", 4, 3, 1), ("conv", 7, 3, 0), ("pool", 3, 1), ("pool", 2, 1), ("full", 2)]),
]:
    size, right = shape, []
    for kind, *numbers in layers:
        if kind == "conv":
            module = nn_reference.Conv2d(size[0], numbers[0], numbers[1], padding=numbers[2])
            size = (numbers[0], *[length + 2 * numbers[2] - numbers[1] + 1 for length in size[1:]])
        elif kind == "pool":
            module = nn_reference.MaxPool2d(numbers[0], stride=numbers[1])
            size = (size[0], *[len(range(0, length - numbers[0] + 1, numbers[1])) for length in size[1:]])
        else:
            module = nn_reference.Linear(size[0] * size[1] * size[2], numbers[0])
            size = (numbers[0], 1, 1)
        right.append(sum(parameter.numel() for parameter in module.parameters()))
    result = layer_shapes(shape, list(layers))
    assert_tuple(result, ("shapes", "parameters"), "layer_shapes")
    assert_close(
        result[1], right, f"parameters ({layers})", hint="重みは入力チャンネルごとにあります / for each input channel"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# LeNet-5 の表を作ります。F6 の 84 と出力の 10 は全結合です。プーリングの二層が、パラメータを一つも使わずに、
# 数をそれぞれ $1/4$ に (4704 → 1176、1600 → 400) 減らしていることを確かめてください。
# (元の論文の C3 は、入力の 6 枚を全部は見ないように間引いて 1,516 個、プーリングにも重みとバイアスがありました。)

# %% [markdown] tags=["lang-en"]
# LeNet-5's table. Each of the two pooling layers cuts the numbers to 1/4 (4704 → 1176, 1600 → 400), without a single
# parameter. (In the original paper C3 does not see all six maps, 1,516 parameters, and pooling had weights of its own.)

# %%
names = ["C1", "S2", "C3", "S4", "C5", "F6", "出力"]
layers = [
    ("conv", 6, 5, 0),
    ("pool", 2, 2),
    ("conv", 16, 5, 0),
    ("pool", 2, 2),
    ("conv", 120, 5, 0),
    ("full", 84),
    ("full", 10),
]
shapes, parameters = layer_shapes((1, 32, 32), layers)
for name, layer, shape, count in zip(names, layers, shapes, parameters, strict=True):
    print(
        f"{name:4} {layer!s:22} → {tuple(int(n) for n in shape)!s:14} 数 {int(np.prod(shape)):5d}  パラメータ {int(count):6d}"
    )
print("パラメータの合計 / all parameters:", int(sum(parameters)))

# %% [markdown] tags=["lang-ja"]
# ## 図: ずれた数字を読む (6 点)
#
# 最初のほうのセルで、小さな LeNet を三つ、数字 2000 枚で学習させておきました (辞書 `lenets`)。ちがうのはプーリングだけです。
#
# - 最大値プーリング (2×2)
# - 平均プーリング (2×2)
# - 間引き: プーリングをせず、2 つおきの値だけを残す (ストライド 2)
#
# **学習には真ん中に書かれた数字しか使っていません**。ずれた数字をどこまで読めるでしょうか。
# `shifted_digits[k]` は、テスト用の数字 500 枚を右へ $k$ 画素ずらしたもの (500, 1, 28, 28)、正解は `test_labels` です ($k = 0, 1, \dots, 6$)。
#
# 三つのネットワークそれぞれについて、**ずれ $k$ を横軸、正解率 (0〜1) を縦軸** にした曲線を **一枚の図** に描いてください。
# 軸の名前と凡例を必ず付け、 $k = 0$ と $k = 3$ の正解率を `print` してください。この図は人が採点します。
#
# ```python
# for name, network in lenets.items():   # 名前とネットワーク / name and network
#     with torch.no_grad():
#         answers = network(shifted_digits[k]).argmax(dim=1)   # (500,) 0〜9
# ```

# %% [markdown] tags=["lang-en"]
# ## The picture: reading shifted digits (6 points)
#
# An early cell trained three small LeNets on 2000 digits (the dict `lenets`); they differ in their pooling only: max,
# average, and mere subsampling (every second value, stride 2). They have seen **centred digits only**. How far do they
# cope with a shift? `shifted_digits[k]` holds 500 test digits, moved to the right by $k$ pixels ($k$ = 0 to 6),
# `test_labels` the answers. Draw **one figure**: shift $k$ against accuracy (0 to 1), a curve for each network, with
# axis names and a legend, and print the accuracies at $k = 0$ and $k = 3$. The lines of code above show how to get a
# network's answers. A person marks it.

# %% nbgrader={"grade": true, "grade_id": "shift-accuracy", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
figure, axis = plt.subplots(figsize=(6, 3.2))
for name, network in lenets.items():
    with torch.no_grad():
        answers = [network(pictures).argmax(dim=1) for pictures in shifted_digits]
    accuracy = [float((answer == test_labels).float().mean()) for answer in answers]
    axis.plot(range(7), accuracy, "o-", label=name)
    print(f"{name}: k = 0 で / at {accuracy[0]:.3f}、 k = 3 で / at {accuracy[3]:.3f}")
axis.set_xlabel("右へのずれ k (画素) / shift in pixels")
axis.set_ylabel("正解率 / accuracy")
axis.set_ylim(0, 1)
axis.legend()
plt.show()
# === BEGIN MARK SCHEME ===
# 3 点: 三つのネットワークの曲線が、ずれ 0〜6 について一枚の図に描かれている (一本なら 1 点、別々の図なら 2 点)。
# 2 点: 軸の名前と凡例がある (片方だけなら 1 点)。
# 1 点: k = 0 と k = 3 の正解率が表示され、もっともらしい (k = 0 で三つとも 0.9 以上、k = 3 で最大値 0.67、平均 0.45、間引き 0.43 くらい)。
# === END MARK SCHEME ===
### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# 真ん中の数字なら、三つのネットワークの成績はほとんど同じです。差がつくのは **ずれたとき** で、最大値プーリングが一番ねばります。
# 2×2 のプーリングを二回重ねた受け皿は 4 画素ほどなので、それより大きなずれには、どれもついていけません。
# CNN は「ずれに強い」と言われますが、**設計だけで** 得られるのはこの程度です。残りは、ずれた数字を学習に加えて (データ拡張) 補います。

# %% [markdown] tags=["lang-en"]
# For centred digits the three are nearly equal. They differ when digits **move**, and max pooling holds out longest.
# Two poolings of 2×2 tolerate about 4 pixels; beyond that all fail. Architecture alone buys no more; the rest comes
# from shifted training pictures (data augmentation).

# %% [markdown] tags=["lang-ja"]
# ---
# # E. 顔を見つける C 細胞
#
# いよいよ本物の顔です。背景の写真に顔を貼りつけた **場面** を 100 枚作りました。顔は、学習に使っていない 10 人です。
# 顔の位置を、右へ 0、4、8、12、16 画素とずらしていきます (場面は 64×64、顔は 32×32)。
# 右端は、S 細胞が探す特徴、つまり訓練用の 30 人の **平均の目と鼻** です (見やすいように明暗を強めてあります)。

# %% [markdown] tags=["lang-en"]
# ---
# # E. A C cell that finds faces
#
# Real faces at last: 100 scenes, photographs with the face of a stranger pasted in, moved to the right by 0 to 16
# pixels. On the right the feature that the S cells look for: the **mean eyes and nose** of thirty training persons
# (drawn with more contrast).

# %%
shown = 91
show_images(
    [backgrounds[shown], *[scenes[offset][shown] for offset in OFFSETS], 2.5 * (eye_template - 0.3)],
    titles=["背景\nbackground", *[f"ずれ {offset}\nmoved by {offset}" for offset in OFFSETS], "目と鼻\neyes, nose"],
    columns=7,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 8. S 細胞と C 細胞 (11 点)
#
# **S 細胞の層**: 型紙 (テンプレート) $t$ を画像のすべての場所に当て、**正規化相関** を計算します。
#
# $$s_{r,c} = \frac{\sum_i (p_i - \bar p)(t_i - \bar t)}{\sqrt{\sum_i (p_i - \bar p)^2}\,\sqrt{\sum_i (t_i - \bar t)^2}}$$
#
# - $p$: 左上が $(r, c)$ で型紙と同じ大きさの窓、 $\bar p$ と $\bar t$: 平均
# - 平均を引き、長さで割るので、照明が明るくなっても、コントラストが変わっても、 $s$ は変わりません ($-1 \le s \le 1$)
# - 明るさが **一様な窓** (標準偏差が $10^{-6}$ より小さい) では、0 割り算をせず $s = 0$ とします
# - 二重ループで窓を一つずつ計算してもかまいません
#
# **C 細胞**: 中心 $(r, c)$、半径 $\rho$ の正方形の受容野 (一辺 $2\rho + 1$) にある S 細胞を、MAX か SUM で一つの数にします。
#
# - 受容野が地図の端から **はみ出した分は使いません**。NumPy では、添字が負になると反対側の端から数えてしまいます。注意してください
# - $\rho = 0$ なら、S 細胞一つと同じです

# %% [markdown] tags=["lang-en"]
# ## Question 8. S cells and a C cell (11 points)
#
# **The layer of S cells**: the normalised correlation (formula above) of a template $t$ with the window $p$ of the same
# size at every place; $(r, c)$ is the window's upper left corner. Neither brightness nor contrast changes it; a double
# loop is fine. In a **uniform window** (standard deviation below $10^{-6}$) it is 0, without a division by 0. **The C cell** gathers the S cells of a square receptive field, centre $(r, c)$ and radius
# ρ (side 2ρ + 1), by MAX or SUM. What lies outside the map is **not used**: mind that NumPy counts negative indices
# from the other end. With ρ = 0 the C cell is a single S cell.


# %% nbgrader={"grade": false, "grade_id": "s-and-c-cells", "locked": false, "schema_version": 3, "solution": true, "task": false}
def s_cells(image, template):
    """S 細胞の層: 正規化相関 / a layer of S cells: normalised correlation.

    image    : (H, W) の配列 / an array
    template : (h, w) の配列、一様ではない (h <= H, w <= W) / an array, not uniform
    返り値 / returns : (H - h + 1, W - w + 1)、-1 から 1 / from -1 to 1
    """
    ### BEGIN SOLUTION
    windows = sliding_window_view(image, np.shape(template))
    covariance = (windows * (template - np.mean(template))).mean(axis=(2, 3))
    deviation = windows.std(axis=(2, 3))
    return covariance / np.where(deviation < 1e-6, np.inf, deviation * np.std(template))
    ### END SOLUTION


def c_cell(s_map, row, column, radius, mode):
    """C 細胞: 受容野の中の S 細胞をまとめる / a C cell gathers the S cells of its receptive field.

    s_map       : (H, W) の配列、S 細胞の反応 / an array, responses of the S cells
    row, column : 受容野の中心 (地図の中) / centre of the receptive field, inside the map
    radius      : 半径 (0 以上の整数) / radius, a whole number, 0 or more
    mode        : "max" または "sum"
    返り値 / returns : 数 / a number
    """
    ### BEGIN SOLUTION
    rows = slice(max(row - radius, 0), row + radius + 1)
    columns = slice(max(column - radius, 0), column + radius + 1)
    field = s_map[rows, columns]
    return field.max() if mode == "max" else field.sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-s-cells", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

template = np.array([[0.0, 1, 0], [2, 5, 1]])
image = np.zeros((4, 6))
image[1:3, 2:5] = 10 + 3 * template  # 明るく、コントラストも高い型紙 / the template, brighter, with more contrast
result = s_cells(image, template)
assert_close(np.shape(result), (3, 4), "s_cells の形 / shape")
assert_close(
    result[1][2],
    1.0,
    "s_cells (型紙がある場所 / where the template is)",
    hint="平均を引き、長さで割りましたか / normalised?",
)
assert_close(s_cells(np.full((3, 4), 0.3), template), np.zeros((2, 2)), "s_cells (一様な画像 / a uniform picture)")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(381)
for shape, size in [((6, 9), (2, 3)), ((7, 5), (4, 2)), ((5, 5), (5, 5)), ((4, 8), (1, 4))]:
    image, template = rng.uniform(0, 1, shape), rng.uniform(-1, 2, size)
    right = np.empty((shape[0] - size[0] + 1, shape[1] - size[1] + 1))
    for r, c in np.ndindex(right.shape):
        window = image[r : r + size[0], c : c + size[1]]
        right[r, c] = np.corrcoef(window.ravel(), template.ravel())[0, 1]
    name = f"s_cells (image {shape}, template {size})"
    assert_close(s_cells(image.copy(), template.copy()), right, name)
    # much brighter and with little contrast: sums of squares lose four digits or more, so 1e-5
    assert_close(
        s_cells(50 + 0.01 * image, template.copy()), right, f"{name}、明るい画像 / bright", rtol=1e-5, atol=1e-5
    )
    levels = np.rint(255 * image).astype(np.uint8)
    for r, c in np.ndindex(right.shape):
        window = levels[r : r + size[0], c : c + size[1]].astype(float)
        right[r, c] = np.corrcoef(window.ravel(), template.ravel())[0, 1]
    assert_close(
        s_cells(levels, template.copy()), right, f"{name}、uint8", hint="先に小数にしましょう / make floats first"
    )
# uniform but for the last columns; the mean of these values is not exact in floats, for these sizes
for level, size in [(0.1, (2, 3)), (0.7, (4, 6))]:
    image = np.full((5, 12), level)
    image[:, 9:] = rng.uniform(0, 1, (5, 3))
    template = rng.standard_normal(size)
    result = s_cells(image.copy(), template.copy())
    right = np.zeros((6 - size[0], 13 - size[1]))
    for r, c in np.ndindex(right.shape):
        window = image[r : r + size[0], c : c + size[1]]
        if c + size[1] > 9:
            right[r, c] = np.corrcoef(window.ravel(), template.ravel())[0, 1]
    assert_close(result, right, "s_cells (一様な窓 / uniform windows)", hint="一様な窓は 0 です / 0 in uniform windows")
# faint, but not uniform: a standard deviation of about 1e-5
template, faint = rng.standard_normal((3, 3)), 0.2 + 2e-5 * rng.standard_normal((3, 3))
assert_close(
    s_cells(faint, template),
    [[np.corrcoef(faint.ravel(), template.ravel())[0, 1]]],
    "s_cells (うすいが一様ではない窓 / faint, not uniform)",
    # ten digits of the brightness are lost in the differences, six remain
    rtol=1e-4,
    atol=1e-4,
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-c-cell", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

s_map = np.arange(30.0).reshape(5, 6)
assert_close(
    c_cell(s_map, 2, 3, 1, "max"), 22, 'c_cell (mode="max")', hint="一辺は 2 * radius + 1 です / side 2 * radius + 1"
)
assert_close(c_cell(s_map, 2, 3, 1, "sum"), 135, 'c_cell (mode="sum")')
assert_close(
    c_cell(s_map, 0, 1, 2, "sum"), 90, "c_cell (端 / at the border)", hint="はみ出した分は使いません / not outside"
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(382)
for shape in [(7, 9), (8, 4), (1, 6)]:
    s_map = rng.standard_normal(shape)
    for row, column, radius in [
        (0, 0, 0),
        (shape[0] - 1, shape[1] - 1, 2),
        (0, shape[1] - 1, 1),
        (shape[0] // 2, shape[1] // 2, 1),
        (shape[0] // 2, 1, 2),
        (shape[0] - 1, 0, 3),
        (0, 2, 30),
    ]:
        inside = [s_map[r, c] for r, c in np.ndindex(shape) if max(abs(r - row), abs(c - column)) <= radius]
        for mode, right in [("max", max(inside)), ("sum", sum(inside))]:
            name = f'c_cell (s_map {shape}, row={row}, column={column}, radius={radius}, mode="{mode}")'
            assert_close(c_cell(s_map.copy(), row, column, radius, mode), right, name)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# まず、一枚の場面の中で、目と鼻の S 細胞がどう反応しているかを見ましょう。赤い丸が、一番強く反応した S 細胞の受容野の中心です。
# 黄色の破線の枠は、ずれが 0 のときに目と鼻がある場所です。あとの実験では、この枠を見ている S 細胞を使います。
# この場面では赤い丸が当たりましたが、いつもではありません。100 枚のうち何枚で場所まで当たるかも数えてあります。

# %% [markdown] tags=["lang-en"]
# One scene, and how the S cells for eyes and nose answer to it. The red circle marks the centre of the strongest one's
# receptive field. Here it is right; the cell also counts in how many of the 100 scenes it is. The yellow dashes frame the
# window in which eyes and nose are when the face is not moved: the experiment below uses the S cell that looks there.

# %%
offset = 12
s_map = np.asarray(s_cells(scenes[offset][shown], eye_template))
row, column = np.unravel_index(s_map.argmax(), s_map.shape)
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3))
left.imshow(scenes[offset][shown], cmap="gray", vmin=0, vmax=1)
left.plot(column + 11, row + 8, "o", markersize=22, markerfacecolor="none", markeredgecolor="red", markeredgewidth=2)
frame = (FACE_LEFT + 4.5, FACE_TOP + 8.5)  # 左上の画素の角 / corner of its first pixel
left.add_patch(plt.Rectangle(frame, 22, 16, fill=False, edgecolor="yellow", linestyle="--", linewidth=1.5))
left.set_title("場面 / scene")
left.axis("off")
picture = right.imshow(s_map, cmap="RdBu_r", vmin=-1, vmax=1)
right.plot(column, row, "o", markersize=22, markerfacecolor="none", markeredgecolor="red", markeredgewidth=2)
right.set_title("S 細胞の層 / layer of S cells")
right.axis("off")
figure.colorbar(picture, ax=right)
plt.show()
peaks = [np.unravel_index(s_map.argmax(), s_map.shape) for s_map in scene_maps[offset]]
misses = [max(abs(row - FACE_TOP - 9), abs(column - FACE_LEFT - offset - 5)) for row, column in peaks]
print("目と鼻から 3 画素以内 / within 3 pixels of eyes and nose:", sum(int(miss) <= 3 for miss in misses), "/ 100")

# %% [markdown] tags=["lang-ja"]
# 最後の実験です。顔のある場面 100 枚と背景だけの 100 枚を、細胞の反応の強さ **だけ** で見分けます。
# 成績は **AUC** で測ります。無作為に選んだ「顔あり」の反応が、「顔なし」の反応より強い確率で、1 なら完全、0.5 なら当てずっぽうです。
# 細胞の受容野の中心は、ずれが 0 のときの目と鼻の場所 (黄色の枠を見る S 細胞) に固定したままです。
#
# (S 細胞の層 `scene_maps` と `background_maps` は、計算の速い OpenCV で先に作ってあります。あなたの `s_cells` と同じ計算です。)

# %% [markdown] tags=["lang-en"]
# The last experiment: tell 100 scenes with a face from 100 without, by **the response of one cell alone**. **AUC** is
# the probability that a scene with a face makes it answer more strongly than one without: 1 is perfect, 0.5 is
# guessing. The cell's receptive field stays centred on the S cell of the yellow frame. (`scene_maps` and `background_maps`
# were made by OpenCV, which is faster; they are what your `s_cells` computes.)

# %%
is_scene = np.repeat([1, 0], 100)
figure, axis = plt.subplots(figsize=(6.5, 3.6))
for radius, mode, style, label in [
    (0, "max", "k^--", "S 細胞一つ / one S cell"),
    (16, "sum", "s-", "C 細胞 (SUM, ρ = 16)"),
    (3, "max", "o-", "C 細胞 (MAX, ρ = 3)"),
    (16, "max", "o-", "C 細胞 (MAX, ρ = 16)"),
]:
    aucs = []
    for offset in OFFSETS:
        maps = np.concatenate([scene_maps[offset], background_maps])
        responses = [float(c_cell(s_map, FACE_TOP + 9, FACE_LEFT + 5, radius, mode)) for s_map in maps]
        aucs.append(float(roc_auc_score(is_scene, responses)))
    axis.plot(OFFSETS, aucs, style, label=label)
    print(f"{label:24}", " ".join(f"{auc:.2f}" for auc in aucs))
axis.axhline(0.5, color="0.8")
axis.set_xticks(OFFSETS)
axis.set_ylim(0.2, 1.02)
axis.set_xlabel("顔のずれ (画素) / displacement of the face in pixels")
axis.set_ylabel("AUC")
axis.legend(fontsize=8, loc="lower left")
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 記述 2 (6 点)
#
# 1. ずれが 12 画素のとき、S 細胞一つの AUC は 0.5 を **下回り** ました。当てずっぽうより悪いのは、なぜですか。
#    S 細胞の受容野に、顔のどこが入っているかを考えてください (上の「場面」の図の黄色の枠も見ましょう。ちょうど 12 画素ずれた場面です)。
# 2. ずれが 0 のときは、半径 3 の MAX のほうが、半径 16 の MAX より成績が良いことに気づきましたか。
#    受容野を広げると **得るもの** と **失うもの** は何ですか。
# 3. 半径 16 の C 細胞は、顔が「ある」ことは言えても「どこに」あるかは言えません。
#    この演習で作ったもののうち、どれを使えば場所が分かりますか。
#
# 全部で 5〜9 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 2 (6 points)
#
# (1) At 12 pixels a single S cell falls **below** 0.5, worse than guessing. Why? Which part of the face is in its
# receptive field (the yellow frame above; that scene is moved by 12)? (2) At displacement 0 the radius of 3 does better
# than 16. What does a wider receptive field win, and what does it lose? (3) The C cell of radius 16 tells that there is a face and not where. Which of the things that you
# built would tell? Five to nine lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-receptive-field", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 12 画素ずれると、S 細胞の窓に入るのは、背景の一部と、顔の左端 (髪、輪郭、左の頬と片目) だけになる。型紙では明るい鼻すじのところに
#    暗い髪や輪郭が来るなど、明暗が合わず、むしろ逆になりやすいので、相関は平均して負 (-0.07) になり、背景 (平均 -0.01) より弱い反応になる。だから「反応が強いほど顔」と考えると、当てずっぽうより悪くなる。
# 2. 得るもの: ずれても反応が落ちない (並進不変性)。失うもの: 選択性。受容野が広いほど、背景のどこかに偶然、目と鼻に似たものが
#    見つかりやすく、顔のない場面の最大値も大きくなる (平均 0.18 → 0.39)。
# 3. 問 3 のスイッチ (最大値の場所)。どの S 細胞が勝ったかを覚えておけば、顔の場所が分かる。
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): 受容野に頬・髪・輪郭・背景など、型紙と合わない部分が入っている (片目が型紙とずれた場所にある、でもよい)、に 1 点。相関が負になる、または背景より低くなる、に 1 点。
# 2 (2 点): 得るもの (ずれへの強さ) に 1 点。失うもの (背景の偶然の一致を拾う、選択性、場所) に 1 点。
# 3 (2 点): スイッチ (最大値の場所、argmax)、または S 細胞の層そのもの、に 2 点。「半径を小さくした C 細胞を並べる」も 2 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## おわりに
#
# 今日の主役は、たった一つの計算、 $\max$ でした。
#
# - **S 細胞** は「何が」を、C 細胞は「どこでもよい」を受け持ちます。二つを重ねるのがネオコグニトロンと CNN です
# - **SUM** も位置を忘れますが、同じ受容野に入ってきたもの全部に引きずられます。**MAX** は一番強い証拠だけを信じます
# - 最大値プーリングは 75 % の数と、場所を捨てます。スイッチを覚えておけば、勝った場所に学習の信号が届き、「どこ」も取り戻せます
# - 不変性は **ただではありません**。受容野を広げるほどずれに強くなり、見まちがいも増えます。
#   だから脳もネットワークも、一度に広げず、S と C を少しずつ何段も重ねるのでしょう
#
# 提出の前に、メニューの「カーネルを再起動し、すべてのセルを実行」で、上から下まで通ることを確かめてください。

# %% [markdown] tags=["lang-en"]
# ## To end with
#
# Today's hero is one operation, the maximum. S cells say *what*, C cells say *no matter where*; the Neocognitron and
# CNNs stack the two. SUM forgets the place as well, but everything in its field pulls at it; MAX trusts the strongest
# evidence alone. It drops 75 % of the numbers and the place; the switches bring the learning signal, and the place,
# back. Invariance is **not free**: a wider field tolerates more and mistakes more, which may be why brains and networks
# widen it in small steps. Before you hand in: restart the kernel and run all cells.
