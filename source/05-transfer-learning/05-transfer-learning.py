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
# # 顔のための脳はあるか — 転移学習とファインチューニング
#
# 脳の右半球の底、**紡錘状回** (fusiform gyrus) には、顔を見たときに強く活動する領域があります (FFA, Kanwisher たち, 1997)。
# そのあたりを損傷すると、「それが顔だ」とは分かるのに「誰の顔か」が分からなくなることがあります (**相貌失認**)。
#
# では、FFA は生まれつきの *顔専用* の装置なのでしょうか。それとも、どんな物でも見られる視覚系の上に、
# 「顔」という課題の経験が少し積もっただけなのでしょうか。人では実験できませんが、モデルでならできます。
#
# 1. 顔ではなく *物* の分類 (コップ、猫、自転車、… 1000 種類) を学んだネットワークを用意する
# 2. その「目」には **いっさい手をつけず**、最後に小さな読み出し層だけを付ける
# 3. 数枚の写真で、顔を教える
#
# 講義のことばでは、これが **転移学習** (transfer learning) です。課題 A で学んだモデルを、別の課題 B に使います。
#
# | 呼び名 | 出発点 | 学習する結合 |
# |---|---|---|
# | **転移学習** | 課題 A で学習済み | 最後の層 (新しいもの) だけ。下の層は固定 (**凍結**) |
# | **ファインチューニング** | 課題 A で学習済み | 下の層まで全部 |
# | ゼロから (from scratch) | 乱数 | 全部 |
#
# 物で育った目に、顔はどこまで見えるでしょうか。それはどこまで人間に似ているでしょうか。

# %% [markdown] tags=["lang-en"]
# # Does a face need a brain of its own? Transfer learning and fine-tuning
#
# At the bottom of the right hemisphere, the **fusiform gyrus** holds an area that answers strongly to faces (FFA, Kanwisher
# and colleagues, 1997). After damage there, people may see *that* it is a face and not *whose* (**prosopagnosia**). Is the FFA
# a device for faces from birth, or a little experience with faces on top of a visual system that sees anything?
#
# A model can tell what becomes possible: take a network that has learnt to sort *things* (cups, cats, bicycles: 1000
# kinds), leave its "eye" **untouched**, put one small read-out layer on top, and teach it faces with a few pictures. This is
# **transfer learning**: a model that learnt task A serves task B. In the lecture's words: in *transfer learning* only the new
# last layer learns and everything below is frozen; in *fine-tuning* all connections go on learning from where they were;
# *from scratch* starts with random numbers. How much of a face does an eye see that grew up with things?

# %% [markdown] tags=["lang-ja"]
# ## 進め方
#
# | | 内容 | 配点 | 目安 |
# |---|---|---|---|
# | A | 目: 前処理、V1 との比較、特徴 (問 1〜3) | 23 | 45 分 |
# | B | 顔か、顔でないか: データの分割、新しい頭、成績 (問 4〜6、記述 1) | 34 | 55 分 |
# | C | 転移かファインチューニングか: データ拡張、学習 (問 7・8) | 22 | 40 分 |
# | D | 誰の顔か: 個人の識別、図、記述 2 (問 9) | 21 | 40 分 |
#
# - 解答するのは `# YOUR CODE HERE` と書かれたセルだけです。`raise NotImplementedError()` を消して書きます。
# - セルは上から順に実行します。まだ答えていない問題のセルは `NotImplementedError` で止まりますが、故障ではありません。
# - 解答のすぐ下の **テストのセル** を実行して、何も表示されなければ合格です。
#   採点のときには、ここに見えないテスト (ほかの入力、極端な入力) も加わります。
# - どの問題も前の問題とは別に採点されます。行きづまったら、とばして先に進んでかまいません
#   (ただし、試しに動かすセルには前の問題の関数を使うものがあります)。
# - GPU があれば自動で使い、なくても動きます。準備のセルは CPU で 20 秒ほどかかります。

# %% [markdown] tags=["lang-en"]
# ## How it works
#
# Part A (the eye, questions 1–3, 23 points), B (face or not, 4–6 and a written one, 34), C (transfer or fine-tuning, 7–8,
# 22), D (whose face, 9, a picture and a written one, 21). Write only where it says `# YOUR CODE HERE`, in place of
# `raise NotImplementedError()`. The test cell below each answer says nothing when all is well; marking adds tests that you
# cannot see. A question without an answer stops with `NotImplementedError`; nothing is broken. Every question is marked on
# its own, so skip what you are stuck on (some cells that only try things out use earlier answers). A GPU is used where there
# is one; without, the cells that prepare the data take some 20 seconds.

# %% nbgrader={"grade": false, "grade_id": "imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
from copy import deepcopy

import matplotlib.pyplot as plt
import matplotlib_fontja
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_curve
from torch import nn

from facelab import embed_images, load_face_patches, load_faces, load_photos, load_pretrained, show_images

torch.optim.SGD([torch.zeros(1)])  # 最初の一回だけ遅いので、ここで準備しておく / slow the first time only
matplotlib_fontja.japanize()  # 図の中で日本語を使う / Japanese in figures

# %% [markdown] tags=["lang-ja"]
# ## まず見る
#
# 使うのは **MobileNetV2** です。120 万枚ほどの写真 (ImageNet) で 1000 種類の *物* の分類を学んだ、小さな畳み込みニューラルネットワークです。
# 1000 種類の中に「顔」という答えはありません。では、顔を見せたら何と答えるでしょうか。**実行する前に予想してください。**

# %% [markdown] tags=["lang-en"]
# ## Look first
#
# The network is **MobileNetV2**, a small convolutional network that learnt to sort about 1.2 million photographs (ImageNet)
# into 1000 kinds of *things*. "Face" is not among its 1000 answers. What does it say to a face? **Guess before you run.**

# %% nbgrader={"grade": false, "grade_id": "network", "locked": true, "schema_version": 3, "solution": false, "task": false}
pretrained = load_pretrained()  # GPU があれば GPU に置かれる / on the GPU where there is one
DEVICE = pretrained.device  # モデルと入力は同じ場所に置く / model and input have to be in one place
print(pretrained)
print(pretrained.credit)

faces = load_faces(size=64)  # ORL: 40 人を 10 枚ずつ / 40 persons, 10 pictures each
photos = load_photos(["coffee", "chelsea"])
print(faces.credit)
print(photos.credit)


def name_pictures(tensor):
    """前処理のすんだ (n, 3, h, w) のテンソルに、答えとその確率をつける / answer and probability for each picture."""
    with torch.no_grad():
        chances = pretrained.model(tensor.to(DEVICE)).softmax(dim=1).cpu()
    best = chances.argmax(dim=1).tolist()
    return [(pretrained.categories[k], float(row[k])) for row, k in zip(chances, best, strict=True)]


# %% nbgrader={"grade": false, "grade_id": "first-look", "locked": true, "schema_version": 3, "solution": false, "task": false}
pictures = list(photos.values())
pictures += [np.repeat(picture[:, :, None], 3, axis=2) for picture in faces.to_uint8()[[0, 40, 90, 120, 210]]]
tensors = torch.stack([pretrained.preprocess(torch.tensor(np.moveaxis(picture, 2, 0))) for picture in pictures])
titles = [f"{what}\n{chance:.0%}" for what, chance in name_pictures(tensors)]
show_images(pictures, titles=titles, inches=1.3)
plt.show()

# %% [markdown] tags=["lang-ja"]
# 物はだいたい当たりますが、顔には困っています。言うべき答えがないからです。
# けれども、*答えを知らない* ことと *見えていない* ことは別です。最後の層の手前では、何が見えているのでしょうか。
#
# データを準備します。ネットワークの最後の層を外し、その手前の 1280 個の数 (**特徴**) を全部の写真について求めておきます
# (各行の長さを 1 にそろえます)。同じことを、問 1 と問 3 で自分の手で行います。

# %% [markdown] tags=["lang-en"]
# Things are mostly right, faces leave it helpless: it has no answer for them. But not knowing the word is not the same as not
# seeing. What does it see just before the last layer? The next cell computes those 1280 numbers (**features**) for all
# pictures, each row scaled to length 1; you will do the same by hand in questions 1 and 3.


# %% nbgrader={"grade": false, "grade_id": "features", "locked": true, "schema_version": 3, "solution": false, "task": false}
def unit(vectors):
    """(n, d) の各行の長さを 1 にする / scale every row to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# 顔か、顔でないか (LFW): i 枚目の顔と 100+i 枚目は、同じ写真から切り出された / face i and picture 100+i: one photo
lfw = load_face_patches()  # images (200, 25, 25), is_face (200,), group (200,)
lfw_features = unit(embed_images(pretrained, lfw.images))  # (200, 1280)
lfw_pixels = unit(lfw.images.reshape(200, -1).astype(np.float32))  # (200, 625) くらべるための画素 / pixels, to compare

# 別のデータ: ORL の顔 400 枚と、顔のない写真の切り抜き 100 枚 / other data: faces, and cut-outs without a face
others = load_face_patches("orl", size=64).images[400::4]
orl_images = np.concatenate([faces.images, others])  # (500, 64, 64)
orl_is_face = np.repeat([True, False], [400, 100])
orl_features = unit(embed_images(pretrained, orl_images))  # (500, 1280)
orl_pixels = unit(
    F.interpolate(torch.tensor(orl_images)[:, None], size=(25, 25), mode="area").float().reshape(500, -1).numpy()
)

# 上下さかさまの顔 / the faces upside down
upside_down = faces.images[:, ::-1]
face_features = orl_features[:400]
upside_features = unit(embed_images(pretrained, upside_down))  # (400, 1280)

# 訓練 20 枚、検証 20 枚、テスト 100 枚 (写真の組で分けた) / split by pair
train_set, val_set, test_set = lfw.group < 10, (lfw.group >= 10) & (lfw.group < 20), lfw.group >= 50
lfw_label = lfw.is_face.astype(np.int64)
print(lfw, lfw.credit)
print("訓練 / train:", train_set.sum(), " 検証 / val:", val_set.sum(), " テスト / test:", test_set.sum())

# %% nbgrader={"grade": false, "grade_id": "look-at-data", "locked": true, "schema_version": 3, "solution": false, "task": false}
show_images(
    np.concatenate([lfw.images[:8], lfw.images[100:108]]),
    columns=8,
    row_labels=["顔", "顔でない"],
    suptitle="上下の二枚は、同じ写真から切り出された / each column comes from one photo",
)
plt.show()

# %% nbgrader={"grade": false, "grade_id": "first-layer", "locked": true, "schema_version": 3, "solution": false, "task": false}
# 問 2 で使う: 一番下の層のカーネルと、演習 02 のガボールフィルタ / for question 2: the lowest layer, and Gabor filters
kernels = pretrained.model.features[0][0].weight.detach().cpu().numpy()  # (32, 3, 3, 3): 番号、色、縦、横
kernels = kernels[np.linalg.norm(kernels.reshape(32, -1), axis=1) > 0.1]  # ほとんど 0 のものは除く / without dead ones


def gabor(angle, phase, wavelength, size=3):
    """演習 02 のガボールフィルタ (幅 1 画素のガウス窓) / the Gabor filter of exercise 02, Gaussian of 1 pixel."""
    y, x = np.mgrid[:size, :size] - size // 2
    wave = np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wavelength + phase)
    return wave * np.exp(-(x**2 + y**2) / 2)


bank = np.stack([gabor(k * np.pi / 8, phase, 3) for phase in (0, np.pi / 2) for k in range(8)])  # (16, 3, 3)
random_kernels = np.random.default_rng(0).standard_normal((1000, *kernels.shape[1:]))  # 学習していない / untrained


def to_colours(kernel):
    """(3, h, w) の重みを絵にする: 0 が灰色 / weights as colours, 0 is grey."""
    return np.moveaxis(0.5 + 0.5 * kernel / np.abs(kernel).max(), 0, 2)


show_images(
    [to_colours(kernel) for kernel in kernels] + [to_colours(np.stack([filter_] * 3)) for filter_ in bank],
    titles=[f"{number}" for number in range(len(kernels))] + [f"G{number}" for number in range(len(bank))],
    columns=14,
    inches=0.6,
    suptitle="一番下の層のカーネル (0〜) と、ガボールフィルタ (G0〜) / lowest layer, Gabor filters",
)
plt.show()

# %% nbgrader={"grade": false, "grade_id": "small-networks", "locked": true, "schema_version": 3, "solution": false, "task": false}
# 問 8 のあとで使う: MobileNetV2 の下の 4 段に、新しい頭 (2 クラス) を付けた小さなネットワーク
# for after question 8: the lowest four stages of MobileNetV2 with a new head for two classes
lowest_stages = deepcopy(pretrained.model.features[:4])


def small_network(use_pretrained, random_seed=0):
    """小さなネットワーク。use_pretrained が偽なら乱数から / untrained if use_pretrained is false."""
    torch.manual_seed(random_seed)
    stages = lowest_stages if use_pretrained else torchvision.models.mobilenet_v2().features[:4]
    small = nn.Sequential()
    small.add_module("features", deepcopy(stages))
    small.add_module("pool", nn.AdaptiveAvgPool2d(1))
    small.add_module("flatten", nn.Flatten())
    small.add_module("head", nn.Linear(24, 2))
    return small.to(DEVICE)


print(sum(parameter.numel() for parameter in small_network(True).parameters()), "個の重み / weights")

# %% [markdown] tags=["lang-ja"]
# ---
# # A. 目
#
# ## 問 1. 前処理 (9 点)
#
# 学習済みのネットワークは、**学習したときと同じ作り方の入力** でなければ正しく働きません。
# 目の悪い人に他人の眼鏡をかけさせるようなもので、エラーにはならず、黙ってまちがえます。
#
# MobileNetV2 が学んだ入力は、次のように作られていました。
#
# 1. 値を 0 (黒) から 1 (白) にする。 `uint8` の画像 (0〜255) は 255 で割る
# 2. 色は **赤・緑・青 (RGB)** の順。灰色の画像なら、同じものを 3 枚重ねる
# 3. 形は (枚数, 色, 縦, 横)
# 4. 大きさをそろえる。縮小するときは、細かすぎる縞をぼかしてから (アンチエイリアス)
#
#    ```python
#    F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)   # x は (n, 3, h, w)
#    ```
# 5. 色ごとに ImageNet の平均 $\mu_c$ を引き、標準偏差 $\sigma_c$ で割る: $\;x'_c = (x_c - \mu_c) / \sigma_c$
#    (下の `IMAGENET_MEAN` と `IMAGENET_STD`)
#
# 毎年くり返される失敗:
#
# - **BGR の罠**: OpenCV の `cv2.imread` は青・緑・赤 (BGR) の順で画像を返します。空は赤く、顔は青くなります
# - 255 で割り忘れる。または、すでに 0〜1 の画像をもう一度割る。
#   型を見れば分かります。値の最大を見て決めると、真っ暗な写真でまちがえます
# - **訓練の画像とテストの画像で、処理がちがう** (テストだけ切り抜く、テストだけ正規化するなど)。
#   防ぐ方法は一つ、どちらにも *同じ関数* を使うことです。この問題で作るのが、その関数です

# %% [markdown] tags=["lang-en"]
# ---
# # A. The eye
#
# ## Question 1. Preprocessing (9 points)
#
# A pretrained network works only on input that is **made as it was in training**; anything else gives wrong answers without
# an error. MobileNetV2's input: (1) values from 0 to 1, so `uint8` pictures are divided by 255; (2) colours in the order red,
# green, blue, and a grey picture three times over; (3) shape (number, colour, height, width); (4) one size, with
# anti-aliasing (`F.interpolate` as above); (5) for each colour, minus ImageNet's mean, divided by its standard deviation
# (`IMAGENET_MEAN`, `IMAGENET_STD` below).
#
# Mistakes of every year: OpenCV's `cv2.imread` gives blue, green, red (**BGR**); dividing by 255 never or twice (go by the
# type: by the largest value, you go wrong on a dark picture); and treating training pictures one way and test pictures
# another. The cure for the last is *one function for both*: you write it here.


# %% nbgrader={"grade": false, "grade_id": "preprocess", "locked": false, "schema_version": 3, "solution": true, "task": false}
IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406])  # 赤、緑、青 / red, green, blue
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225])


def preprocess(images, size, bgr=False):
    """画像をネットワークの入力にする / turn pictures into input for the network.

    images : NumPy の配列。灰色なら (n, h, w)、色つきなら (n, h, w, 3)。縦と横はちがってよい
             uint8 なら 0〜255、float なら 0〜1 / grey (n, h, w) or colour (n, h, w, 3); uint8: 0-255, float: 0-1
    size   : 出力の一辺 (画素) / side of the result in pixels
    bgr    : 色が青・緑・赤の順なら True / True if the colours come as blue, green, red
    返り値 / returns : (n, 3, size, size) float32 のテンソル / a float32 tensor
    """
    ### BEGIN SOLUTION
    x = torch.as_tensor(images)
    if x.dtype == torch.uint8:
        x = x / 255
    if x.ndim == 3:
        x = torch.stack([x, x, x], dim=3)
    if bgr:
        x = x.flip(3)
    x = F.interpolate(x.permute(0, 3, 1, 2).float(), size=(size, size), mode="bilinear", antialias=True)
    return (x - IMAGENET_MEAN.view(3, 1, 1)) / IMAGENET_STD.view(3, 1, 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-preprocess", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 灰色の 1 枚: 真ん中だけ白い / one grey picture, white in the middle
picture = np.zeros((1, 4, 4))
picture[0, 1:3, 1:3] = 1.0
result = preprocess(picture, 4)
message = "(n, 3, size, size) の float32 のテンソルを返してください / return a float32 tensor (n, 3, size, size)"
assert isinstance(result, torch.Tensor), message
assert result.dtype == torch.float32, message
right = np.stack([(picture - 0.485) / 0.229, (picture - 0.456) / 0.224, (picture - 0.406) / 0.225], axis=1)
# float32 keeps about 7 digits
assert_close(result, right, "preprocess (灰色 / grey)", rtol=1e-4, atol=1e-4)
assert_close(
    preprocess((picture * 255).astype(np.uint8), 4),
    right,
    "preprocess (uint8)",
    rtol=1e-4,
    atol=1e-4,
    hint="uint8 の画像を 255 で割りましたか / are uint8 pictures divided by 255?",
)
### BEGIN HIDDEN TESTS
from torchvision.transforms import v2

rng = np.random.default_rng(1101)
normalise = v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
for shape, size in [((3, 20, 31), 12), ((2, 9, 7), 9), ((1, 6, 11), 17), ((5, 8, 8), 8)]:
    picture = rng.random(shape)
    # the independent way: torchvision's own transforms
    x = torch.tensor(picture, dtype=torch.float32)[:, None].repeat(1, 3, 1, 1)
    right = normalise(v2.Resize((size, size), antialias=True)(x))
    result = preprocess(picture.copy(), size)
    assert isinstance(result, torch.Tensor), message
    assert result.dtype == torch.float32, message
    assert_close(
        result,
        right,
        f"preprocess {shape} → {size}",
        rtol=1e-4,
        atol=1e-4,
        hint="縮小のときの antialias=True を忘れていませんか / antialias=True?",
    )
# a very dark picture of whole numbers: its type says 0 to 255, its largest value does not
picture = rng.integers(0, 2, (2, 6, 6)).astype(np.uint8)
right = normalise((torch.tensor(picture).float() / 255)[:, None].repeat(1, 3, 1, 1))
assert_close(
    preprocess(picture.copy(), 6),
    right,
    "preprocess (暗い uint8 の画像 / a dark uint8 picture)",
    rtol=1e-4,
    atol=1e-4,
    hint="値の最大ではなく、型で判断しましょう / go by the type, not by the largest value",
)
picture = rng.random((2, 5, 5)).astype(np.float32)
right = normalise(torch.tensor(picture)[:, None].repeat(1, 3, 1, 1))
assert_close(preprocess(picture.copy(), 5), right, "preprocess (float32)", rtol=1e-4, atol=1e-4)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-preprocess-colours", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 真っ赤な画像: RGB では (1, 0, 0)、BGR では (0, 0, 1) と書かれている / all red, written in two orders
red = np.zeros((1, 4, 4, 3))
red[:, :, :, 0] = 1.0
right = np.empty((1, 3, 4, 4))
right[:, 0], right[:, 1], right[:, 2] = (1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0 - 0.406) / 0.225
hint = "色の順番と、引く平均の順番は合っていますか / does the order of the colours fit that of the means?"
assert_close(preprocess(red, 4), right, "preprocess (RGB)", rtol=1e-4, atol=1e-4, hint=hint)
assert_close(
    preprocess(red[:, :, :, ::-1].copy(), 4, bgr=True), right, "preprocess (BGR)", rtol=1e-4, atol=1e-4, hint=hint
)
### BEGIN HIDDEN TESTS
from torchvision.transforms import v2

rng = np.random.default_rng(1102)
normalise = v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
for shape, size in [((2, 10, 16, 3), 10), ((3, 14, 5, 3), 7), ((1, 3, 3, 3), 6)]:
    picture = rng.integers(0, 256, shape).astype(np.uint8)
    x = torch.tensor(np.moveaxis(picture, 3, 1).copy()).float() / 255
    right = normalise(v2.Resize((size, size), antialias=True)(x))
    assert_close(preprocess(picture.copy(), size), right, f"preprocess {shape}", rtol=1e-4, atol=1e-4, hint=hint)
    swapped = picture[:, :, :, ::-1].copy()
    assert_close(
        preprocess(swapped, size, bgr=True), right, f"preprocess {shape}, BGR", rtol=1e-4, atol=1e-4, hint=hint
    )
    assert_close(
        preprocess(swapped / 255, size, True), right, f"preprocess {shape}, float", rtol=1e-4, atol=1e-4, hint=hint
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 失敗すると何が起きるか、見てみましょう。同じ写真を四通りに前処理して、ネットワークに名前を言わせます。
# どれもエラーにはなりません。**自信** (確率) にも注目してください。まちがった前処理のほうが、自信が高いこともあります。
# (「正しい」の確率が最初の図と少しちがうのは、あちらが torchvision の前処理で、写真の真ん中を切り抜いているからです。)

# %% [markdown] tags=["lang-en"]
# What happens when it goes wrong? The same photographs, preprocessed in four ways, and what the network calls them. None of
# them is an error. Watch its **confidence**, too: it can be higher for the wrong way. (The "right" probabilities differ a
# little from the first figure, where torchvision's own preprocessing cuts out the middle of a photograph.)

# %%
for name, photo in photos.items():
    ways = {
        "正しい / right": preprocess(photo[None], 224),
        "BGR の罠 / BGR": preprocess(photo[None], 224, bgr=True),
        "平均と標準偏差なし / no mean, std": torch.tensor(np.moveaxis(photo, 2, 0)[None].copy()) / 255,
        "255 で割り忘れ / 0 to 255": preprocess(photo[None].astype(float), 224),
    }
    print(name)
    for way, inputs in ways.items():
        answer, probability = name_pictures(torch.as_tensor(inputs))[0]
        print(f"    {answer:20s} {probability:5.0%}   {way}")

# %% [markdown] tags=["lang-ja"]
# ## 問 2. 一番下の層は V1 か (6 点)
#
# ネットワークの一番下の層には、3×3 画素のカーネルが並んでいます (ほとんど 0 のものは除きました)。
# これは、第 1 次視覚野 (V1) の単純細胞のモデルである **ガボールフィルタ** (演習 02) に似ているでしょうか。
# すぐ上の準備のところの図で、見くらべてください。
#
# 「似ている気がする」は証拠ではないので、**相関係数** で測ります。
# カーネル $k$ には 3 色あるので、ガボールフィルタ $g$ のほうも同じものを 3 色分重ね、どちらも 27 個の数の並びと考えます。
#
# $$r(k, g) = \frac{\sum_i (k_i - \bar k)(g_i - \bar g)}{\sqrt{\sum_i (k_i - \bar k)^2}\,\sqrt{\sum_i (g_i - \bar g)^2}}$$
#
# - $i$: 色・縦・横をあわせた番号 (1〜27)、 $\bar k, \bar g$: 27 個の平均
# - 明暗が逆のフィルタも同じ方位を見ているので、**絶対値** $\lvert r \rvert$ を使います
#
# カーネルごとに、 $\lvert r \rvert$ が一番大きいガボールフィルタの番号と、その $\lvert r \rvert$ を求めてください。

# %% [markdown] tags=["lang-en"]
# ## Question 2. Is the lowest layer a V1? (6 points)
#
# The lowest layer holds kernels of 3×3 pixels (those that are nearly 0 are left out). Do they resemble **Gabor filters**
# (exercise 02), the model of V1's simple cells? Look at the
# figure in the preparations above. A feeling is no evidence, so measure it by the **correlation
# coefficient** $r$ above. A kernel has three colours; repeat the Gabor filter for each colour and take both as lists of 27
# numbers ($\bar k$, $\bar g$: means over all 27). A filter with black and white exchanged sees the same orientation, so use
# the absolute value. For each kernel find the Gabor filter with the largest $|r|$ (its number), and that $|r|$.


# %% nbgrader={"grade": false, "grade_id": "match-gabor", "locked": false, "schema_version": 3, "solution": true, "task": false}
def match_gabor(kernels, bank):
    """カーネルごとに一番よく似たガボールフィルタを探す / the most similar Gabor filter for each kernel.

    kernels : (n, c, h, w) の配列。番号、色、縦、横 / number, colour, height, width
    bank    : (m, h, w) の配列。ガボールフィルタ / Gabor filters
    返り値 / returns : (best, similarity)。どちらも (n,)
        best は一番似たフィルタの番号 (整数)、similarity は相関係数の絶対値
        the number of the most similar filter, and the absolute value of the correlation
    """
    ### BEGIN SOLUTION
    grey = np.stack([bank] * kernels.shape[1], axis=1)
    rows = []
    for stack in (kernels, grey):
        flat = stack.reshape(len(stack), -1)
        rows.append(unit(flat - flat.mean(axis=1, keepdims=True)))
    similarity = np.abs(rows[0] @ rows[1].T)
    return similarity.argmax(axis=1), similarity.max(axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-match-gabor", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# 縦縞と横縞。白黒を逆にして、明るくしても、似ている度合いは 1 / stripes; reversed and brighter is still 1
stripes = np.array([[[0.0, 1, 0], [0, 1, 0], [0, 1, 0]], [[0, 0, 0], [1, 1, 1], [0, 0, 0]]])
coloured = np.stack([np.stack([2 - 5 * stripes[1]] * 3), np.stack([stripes[0]] * 3)])
result = match_gabor(coloured, stripes)
assert_tuple(result, ("best", "similarity"), "match_gabor")
assert_close(result[0], [1, 0], "best", hint="絶対値をとりましたか / the absolute value?")
assert_close(result[1], [1, 1], "similarity", hint="平均を引いてから比べていますか / do you subtract the means?")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1201)
for n, c, h, w, m in [(6, 3, 3, 3, 9), (11, 2, 5, 4, 7), (1, 1, 4, 6, 5)]:
    # every colour has a level of its own, every kernel its own strength
    some = rng.standard_normal((n, c, h, w)) * rng.uniform(0.1, 9, (n, 1, 1, 1)) + rng.uniform(-3, 3, (n, c, 1, 1))
    filters = rng.standard_normal((m, h, w)) * rng.uniform(0.1, 9, (m, 1, 1)) + rng.uniform(-3, 3, (m, 1, 1))
    right = np.empty((n, m))
    for i in range(n):
        for j in range(m):
            right[i, j] = abs(np.corrcoef(some[i].ravel(), np.tile(filters[j].ravel(), c))[0, 1])
    result = match_gabor(some.copy(), filters.copy())
    assert_tuple(result, ("best", "similarity"), "match_gabor")
    assert_close(result[0], right.argmax(axis=1), f"best (n={n}, m={m})")
    # float32 results are fine
    assert_close(
        result[1],
        right.max(axis=1),
        f"similarity (n={n}, m={m})",
        rtol=1e-5,
        hint="平均は、色をあわせた全部の数について 1 つです / one mean over all colours",
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 結果を見ます。ただし、心理学の実験と同じで、**対照条件** がなければ値の意味は分かりません。
# 対照は「学習していない、でたらめなカーネル」1000 個です。

# %% [markdown] tags=["lang-en"]
# The result. As in any experiment, a number means little without a **control**: 1000 random kernels, untrained.

# %%
trained = np.array(match_gabor(kernels, bank)[1])
control = np.array(match_gabor(random_kernels, bank)[1])
figure, axis = plt.subplots(figsize=(5.5, 2.6))
steps = np.linspace(0, 1, 21)
axis.hist(control, steps, density=True, color="0.75", label="でたらめ / random")
axis.hist(trained, steps, density=True, histtype="step", color="C3", linewidth=2, label="学習済み / trained")
axis.set_xlabel("一番似たガボールとの相関の絶対値 / |r|")
axis.set_ylabel("密度 / density")
axis.legend(fontsize=8)
plt.show()
print(f"中央値 / median: 学習済み / trained {np.median(trained):.2f}, でたらめ / random {np.median(control):.2f}")
print(f"でたらめの 95% 点を超えたもの / above 95 % of random: {np.mean(trained > np.quantile(control, 0.95)):.0%}")

# %% [markdown] tags=["lang-ja"]
# ## 問 3. 凍結した目で特徴を取り出す (8 点)
#
# MobileNetV2 の `pretrained.model.features` は、画像 (n, 3, h, w) を受け取り、1280 種類の **特徴地図** (n, 1280, h', w') を出します。
# 「どこか」は捨てて「あるか」だけを残すために、場所について平均します (**大域平均プーリング**)。
# 学習済みの目をこのように使うことを **特徴抽出** といいます。
#
# $$f_{ic} = \frac{1}{h' w'} \sum_{y, x} a_{icyx}$$
#
# - $a_{icyx}$: $i$ 枚目の画像に対する、 $c$ 番目の特徴地図の、場所 $(y, x)$ の値
#
# 目を **凍結** して使うときの約束が三つあります。
#
# 1. `model.eval()` で **評価モード** にする。訓練モードのままだと、バッチ正規化は *たまたま一緒に渡された画像* の平均を使うので、
#    同じ写真の特徴が隣の写真によって変わります。ドロップアウトは、値をでたらめに消します
# 2. 勾配は要らないので、`with torch.no_grad():` の中で計算する。忘れると、途中の値が全部メモリに残ります
# 3. 一度に `batch_size` 枚ずつ渡す。何千枚も一度に渡すと、メモリがあふれます (最後の組は、半端な枚数でもよい)

# %% [markdown] tags=["lang-en"]
# ## Question 3. Features from a frozen eye (8 points)
#
# `pretrained.model.features` turns pictures (n, 3, h, w) into 1280 **feature maps** (n, 1280, h', w'). Average over places
# (**global average pooling**, formula above): not where, only whether. Using a trained eye like this is called
# **feature extraction**. Three rules of a **frozen** eye: (1) `model.eval()`;
# in training mode batch normalisation uses the mean of whatever pictures come together, so a picture's features depend on its
# neighbours, and dropout erases values at random. (2) No gradients: compute inside `with torch.no_grad():`. (3) Hand over
# `batch_size` pictures at a time (the last batch may be smaller).


# %% nbgrader={"grade": false, "grade_id": "extract-features", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extract_features(model, inputs, batch_size):
    """凍結したモデルで特徴を取り出す / features from a frozen model.

    model      : (n, 3, h, w) を (n, c, h', w') にするモデル。訓練モードで渡されることもある
                 turns (n, 3, h, w) into (n, c, h', w'); may come in training mode
    inputs     : (n, 3, h, w) float32 のテンソル。model と同じ場所 (CPU か GPU) にある / on the model's device
    batch_size : 一度にモデルに渡す最大の枚数 (1 以上) / at most so many pictures at a time
    返り値 / returns : (n, c) のテンソル。場所についての平均。勾配は持たない
        a tensor, the mean over places, without gradient
    """
    ### BEGIN SOLUTION
    model.eval()
    with torch.no_grad():
        return torch.cat([model(batch).mean(dim=(2, 3)) for batch in inputs.split(batch_size)])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-extract-features", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 1×1 の畳み込み: 重みは 2、バイアスは 1。平均も 2 倍して 1 を足した値 / a 1x1 convolution: 2 x + 1
model = nn.Sequential(nn.Conv2d(3, 1, 1))
nn.init.constant_(model[0].weight, 2.0)
nn.init.constant_(model[0].bias, 1.0)
inputs = torch.arange(24.0).reshape(2, 3, 2, 2)
assert_close(
    extract_features(model, inputs, 2),
    [[34.0], [106.0]],
    "extract_features",
    rtol=1e-5,
    hint="場所 (縦と横) について平均しましたか / the mean over places?",
)
### BEGIN HIDDEN TESTS
for seed, (n, h, w), c, batch_size in [(1301, (7, 6, 9), 5, 3), (1302, (4, 8, 5), 2, 4), (1303, (5, 5, 5), 3, 1)]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, c, 3), nn.BatchNorm2d(c), nn.ReLU(), nn.Dropout(0.5))
    with torch.no_grad():
        for values in (model[1].running_mean, model[1].weight, model[1].bias):
            values.copy_(torch.randn(c))
        model[1].running_var.copy_(torch.rand(c) + 0.5)
    inputs = 2 * torch.randn(n, 3, h, w) + 1
    # the same in single steps, as evaluation mode defines it; float32 keeps about 7 digits
    maps = F.conv2d(inputs, model[0].weight, model[0].bias).detach()
    centre, spread = model[1].running_mean.view(c, 1, 1), (model[1].running_var + 1e-5).sqrt().view(c, 1, 1)
    maps = (maps - centre) / spread * model[1].weight.detach().view(c, 1, 1) + model[1].bias.detach().view(c, 1, 1)
    right = np.maximum(maps.numpy(), 0).mean(axis=(2, 3))
    for mode in (True, False):
        assert_close(
            extract_features(deepcopy(model).train(mode), inputs.clone(), batch_size),
            right,
            f"extract_features (n={n}, c={c}, batch_size={batch_size})",
            rtol=1e-4,
            atol=1e-5,
            hint="評価モードにしましたか / did you switch to evaluation mode?",
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-extract-features-frozen", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
inputs = torch.ones(5, 3, 4, 4)
result = extract_features(nn.Sequential(nn.Conv2d(3, 2, 1)), inputs, 2)
assert isinstance(result, torch.Tensor), "テンソルを返してください / return a tensor"
assert result.shape == (5, 2), "(n, c) のテンソルを返してください / return a tensor (n, c)"
assert not result.requires_grad, "勾配を計算しています。torch.no_grad() の中で / use torch.no_grad()"
### BEGIN HIDDEN TESTS
for n, batch_size in [(7, 3), (6, 2), (4, 9), (3, 1)]:
    sizes = []

    def watch(module, arguments, sizes=sizes):
        """How many pictures does the model get?"""
        sizes.append(len(arguments[0]))

    model = nn.Sequential(nn.Conv2d(3, 2, 1))
    model.register_forward_pre_hook(watch)
    result = extract_features(model, torch.randn(n, 3, 5, 4), batch_size)
    assert not result.requires_grad, "勾配を計算しています。torch.no_grad() の中で / use torch.no_grad()"
    assert result.shape == (n, 2), "(n, c) のテンソルを返してください / return a tensor (n, c)"
    assert len(sizes) > 0, "model(...) を呼びましょう / call the model"
    assert max(sizes) <= batch_size, (
        "一度に batch_size 枚より多く渡しています / the model got more than batch_size pictures at a time"
    )
    assert sum(sizes) == n, "どの画像も一回ずつモデルに渡しましょう / each picture goes through the model once"
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 問 1 と問 3 をつなげると、準備のセルで求めた特徴と同じものができるはずです。
# そして、画素のままの世界と、特徴の世界を見くらべましょう。どちらも、広がりの一番大きい二つの方向 (主成分) に写したものです。

# %% [markdown] tags=["lang-en"]
# Questions 1 and 3 together should give what the preparations computed. Then compare the world of pixels with the world of
# features, each drawn along its two directions of largest spread (principal components).

# %%
few = slice(90, 110)
own = extract_features(pretrained.model.features, preprocess(lfw.images[few], 96).to(DEVICE), 10)
print("準備した特徴との差の最大 / largest difference:", np.abs(unit(own.cpu().numpy()) - lfw_features[few]).max())

figure, axes = plt.subplots(1, 2, figsize=(8, 2.8))
for axis, rows, title in zip(axes, (lfw_pixels, lfw_features), ("画素 / pixels", "特徴 / features"), strict=True):
    u, s, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    for kind, style, label in ((True, "C1o", "顔 / face"), (False, "C0^", "顔でない / not a face")):
        axis.plot(*(u[:, :2] * s[:2])[lfw.is_face == kind].T, style, markersize=4, alpha=0.7, label=label)
    axis.set_xlabel("第 1 主成分 / component 1")
    axis.set_ylabel("第 2 主成分 / component 2")
    axis.set_title(title)
figure.tight_layout()
axes[0].legend(fontsize=8)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ---
# # B. 顔か、顔でないか
#
# ## 問 4. 訓練・検証・テストに分ける (8 点)
#
# 学習の前に、データを三つに分けます。
#
# - **訓練** (train): 重みを決める
# - **検証** (validation): 学習率や、いつ止めるかを決める
# - **テスト** (test): 最後に一度だけ、成績を測る
#
# 分け方を誤ると、そのあとのすべてが無意味になります。
# ORL の 10 枚は同じ人の写真、LFW の顔と背景は同じ写真の切り抜きです。
# **同じ組 (人・写真) の画像は、必ず同じ側に** 入れなければなりません。
# 片方で「答え」を見てしまった組がもう片方にいることを **漏れ** (leak) といいます。
#
# 手順:
#
# 1. 組の番号を重複なく取り出し (`np.unique`)、 `np.random.default_rng(seed)` ででたらめな順に並べる
# 2. `n_val` 組を検証に、別の `n_test` 組をテストに、残り全部を訓練にする
# 3. それぞれに属する **画像の番号** (0 から) を返す
#
# 訓練に一組も残らないときは、 `ValueError` を出してください。

# %% [markdown] tags=["lang-en"]
# ---
# # B. Face or not
#
# ## Question 4. Training, validation, test (8 points)
#
# **Training** data set the weights, **validation** data the learning rate and when to stop, **test** data measure the result,
# once, at the end. The ten ORL pictures of a person, or the two cut-outs of an LFW photo, belong together: **a group (person,
# photo) has to stay on one side**, or the answer **leaks**. Take each group's number once (`np.unique`), put them in random
# order with `np.random.default_rng(seed)`, give `n_val` groups to validation, `n_test` others to the test, all the rest to
# training, and return the numbers (from 0) of the **pictures**. If no group is left for training, raise `ValueError`.


# %% nbgrader={"grade": false, "grade_id": "split-by-group", "locked": false, "schema_version": 3, "solution": true, "task": false}
def split_by_group(group, n_val, n_test, seed):
    """組を単位にして、訓練・検証・テストに分ける / split into training, validation and test by group.

    group         : (n,) 整数の配列。どの組の画像か。番号はとびとびでも、順不同でもよい / any numbers, in any order
    n_val, n_test : 検証とテストに入れる組の数 (0 以上) / numbers of groups
    seed          : 乱数の種。同じ種なら同じ分け方、ちがう種ならちがう分け方 / same seed, same split
    返り値 / returns : (train, val, test)。それぞれ画像の番号の (整数の) 並び。順番は自由
        whole numbers of the pictures, in any order
    訓練に一組も残らなければ ValueError / ValueError if no group is left for training
    """
    ### BEGIN SOLUTION
    groups = np.random.default_rng(seed).permutation(np.unique(group))
    if n_val + n_test >= len(groups):
        raise ValueError("no group is left for training")
    val = np.isin(group, groups[:n_val])
    test = np.isin(group, groups[n_val : n_val + n_test])
    return np.flatnonzero(~val & ~test), np.flatnonzero(val), np.flatnonzero(test)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-split-by-group", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

group = np.array([5, 5, 9, 9, 2, 2, 7, 7, 1, 1])
result = split_by_group(group, 1, 2, seed=0)
assert_tuple(result, ("train", "val", "test"), "split_by_group")
parts = [np.asarray(part, dtype=int) for part in result]
assert_close(
    np.sort(np.concatenate(parts)),
    np.arange(10),
    "三つをあわせたもの / all three together",
    hint="画像の番号 (0〜n-1) が、ちょうど一回ずつ / each picture's number exactly once",
)
assert [len(np.unique(group[part])) for part in parts] == [2, 1, 2], "組の数が違います / wrong numbers of groups"
### BEGIN HIDDEN TESTS
for seed, n_groups, n_val, n_test in [(0, 9, 2, 3), (1, 6, 0, 4), (2, 12, 5, 0), (3, 5, 2, 2), (4, 20, 4, 8)]:
    rng = np.random.default_rng(1400 + seed)
    # scattered numbers, unequal groups, in no order
    numbers = rng.choice(500, n_groups, replace=False)
    group = rng.permutation(np.repeat(numbers, rng.integers(1, 6, n_groups)))
    result = split_by_group(group.copy(), n_val, n_test, seed)
    assert_tuple(result, ("train", "val", "test"), "split_by_group")
    parts = [np.asarray(part, dtype=int) for part in result]
    assert_close(np.sort(np.concatenate(parts)), np.arange(len(group)), "三つをあわせたもの / all three together")
    kinds = [set(group[part].tolist()) for part in parts]
    assert sum(len(kind) for kind in kinds) == n_groups, (
        "同じ組の画像が、二つの側に分かれています / pictures of one group are on two sides"
    )
    assert [len(kind) for kind in kinds] == [n_groups - n_val - n_test, n_val, n_test], (
        "組の数が違います / wrong numbers of groups"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-split-by-group-random", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
group = np.repeat(np.arange(10), 2)
for n_val, n_test in [(5, 5), (4, 7)]:
    try:
        split_by_group(group, n_val, n_test, 0)
    except ValueError:
        pass
    else:
        raise AssertionError(
            "訓練に一組も残らないときは ValueError を出してください / ValueError if no group is left for training"
        )
### BEGIN HIDDEN TESTS
group = np.repeat(np.arange(30), 2)
first = [np.sort(np.asarray(part, dtype=int)) for part in split_by_group(group.copy(), 6, 6, 7)]
again = [np.sort(np.asarray(part, dtype=int)) for part in split_by_group(group.copy(), 6, 6, 7)]
assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)), (
    "同じ seed なのに、分け方がちがいます / the same seed gives another split"
)
# how often each group is in each part, over 60 seeds: 12 expected for val and test, standard deviation 3.1
times = np.zeros((3, 30))
for seed in range(60):
    for row, part in enumerate(split_by_group(group.copy(), 6, 6, seed)):
        times[row, np.unique(group[np.asarray(part, dtype=int)])] += 1
assert times.min() > 0, "どの組も、どの側にもなりえます / every group has a chance to be on every side"
assert times[1:].max() < 31, "組をでたらめな順に並べましたか / are the groups in random order?"
for n_val, n_test in [(0, 30), (30, 0), (12, 18), (31, 0)]:
    try:
        split_by_group(group.copy(), n_val, n_test, 1)
    except ValueError:
        pass
    else:
        raise AssertionError(
            "訓練に一組も残らないときは ValueError を出してください / ValueError if no group is left for training"
        )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# ### 顔を見れば性格が分かる?
#
# 漏れの恐ろしさを見るために、わざと **意味のない** 問題を作ります。
# 40 人をくじ引きで「外向的」20 人と「内向的」20 人に分け、顔の特徴からその「性格」を当てさせます。
# くじ引きですから、知らない人について当たるはずがありません。
#
# *写真で* 分けたときと *人で* 分けたときの、テストの正解率です (10 通りのくじ引きの平均)。

# %% [markdown] tags=["lang-en"]
# ### Does a face tell the character?
#
# To see what a leak does, take a task **without any meaning**: draw lots to call 20 of the 40 persons "extravert" and 20
# "introvert", and let the features of the face predict it. Nobody can know that of a stranger. Test accuracy, split by
# picture and by person (mean of ten draws):

# %%
for name, group in (("写真で分ける / by picture", np.arange(400)), ("人で分ける / by person", faces.person)):
    correct = []
    for seed in range(10):
        character = np.random.default_rng(seed).permutation(np.repeat([0, 1], 20))[faces.person]
        n_test = len(np.unique(group)) // 4
        train, _, test = (np.asarray(part, dtype=int) for part in split_by_group(group, 0, n_test, seed))
        model = RidgeClassifier(alpha=0.1).fit(face_features[train], character[train])
        correct.append(model.score(face_features[test], character[test]))
    print(f"{name}: {np.mean(correct):.0%}")

# %% [markdown] tags=["lang-ja"]
# ## 問 5. 新しい頭を付ける (10 点)
#
# いよいよ転移学習です。目は凍結したまま、特徴 $\boldsymbol f_i$ から答えを出す **一層だけ** を学習します。
# 特徴はもう求めてあるので、一瞬で終わります。
#
# クラス $k$ の得点は $z_{ik} = \boldsymbol w_k^\top \boldsymbol f_i + b_k$。これをソフトマックスで確率にします。
#
# $$p_{ik} = \frac{e^{z_{ik}}}{\sum_{j} e^{z_{ij}}}, \qquad
# L(W, \boldsymbol b) = -\frac1n \sum_{i=1}^n \log p_{i y_i} + \lambda \sum_{k, c} W_{kc}^2$$
#
# - $y_i$: $i$ 番目の正解のクラス。 第 1 項は **交差エントロピー**
# - $\lambda$ (`decay`): L2 の罰則 (演習 01)。バイアス $\boldsymbol b$ は罰しません
#
# 学習のしかたを決めておきます。だれが書いても同じ答えになります。
#
# - $W$ と $\boldsymbol b$ は **0 から** 始める
# - 全部のデータをまとめて使い、勾配降下法 `torch.optim.SGD([W, b], lr=lr)` で、ちょうど `steps` 回更新する
#
# 毎年くり返される失敗:
#
# - `F.cross_entropy` は **中でソフトマックスを計算します**。確率にしてから渡すと、二重になります
# - `optimizer.zero_grad()` を忘れると、前の勾配が積もります
# - `weight_decay=decay` は $\frac{\lambda}{2}\lVert\cdot\rVert^2$ を、*バイアスにも* 足します

# %% [markdown] tags=["lang-en"]
# ## Question 5. A new head (10 points)
#
# Transfer learning proper: the eye stays frozen, and **one layer** learns to answer from the features. Scores
# $z_{ik} = \boldsymbol w_k^\top \boldsymbol f_i + b_k$ become probabilities by softmax; the loss above is the mean
# cross-entropy plus λ (`decay`) times the sum of squares of $W$, not of $\boldsymbol b$. So that everybody gets the same
# answer: start $W$ and $\boldsymbol b$ **at 0**, use all data at once, and make exactly `steps` updates by gradient descent,
# `torch.optim.SGD([W, b], lr=lr)`.
#
# Mistakes of every year: `F.cross_entropy` does the softmax **itself**, do not hand it probabilities; without
# `optimizer.zero_grad()` gradients pile up; `weight_decay=decay` adds half as much, and to the bias as well.


# %% nbgrader={"grade": false, "grade_id": "train-head", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_head(features, labels, n_classes, decay, lr, steps):
    """凍結した特徴の上に、新しい頭を学習させる / train a new head on frozen features.

    features  : (n, d) 小数 (float) のテンソル / a tensor of floats
    labels    : (n,) 整数のテンソル。0 〜 n_classes - 1 / whole numbers
    n_classes : クラスの数。データに現れないクラスがあってもよい / a class may have no example
    decay     : L2 の罰則の強さ λ。バイアスは罰しない / strength; the bias is not penalised
    lr, steps : 学習率と、更新の回数 / learning rate, number of updates
    返り値 / returns : (W, b)。W は (n_classes, d)、b は (n_classes,) のテンソル。勾配は持たない
        tensors without gradient
    """
    ### BEGIN SOLUTION
    W = features.new_zeros(n_classes, features.shape[1], requires_grad=True)
    b = features.new_zeros(n_classes, requires_grad=True)
    optimizer = torch.optim.SGD([W, b], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(features @ W.T + b, labels) + decay * (W**2).sum()
        loss.backward()
        optimizer.step()
    return W.detach(), b.detach()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-train-head", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# 一回の更新を手で: 確率はどれも 1/2、勾配は (確率 - 正解) × 特徴 の平均 / one update by hand
features, labels = torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([0, 1])
result = train_head(features, labels, 2, 0.0, 1.0, 1)
assert_tuple(result, ("W", "b"), "train_head")
assert_close(
    result[0],
    [[0.5, -1.0], [-0.5, 1.0]],
    "W",
    atol=1e-6,
    hint="0 から始めましたか。交差エントロピーは平均ですか / start at 0? the mean over examples?",
)
assert_close(result[1], [0, 0], "b", atol=1e-6)
### BEGIN HIDDEN TESTS
for seed, n, d, n_classes, lr, steps in [(1501, 12, 3, 2, 0.5, 6), (1502, 20, 5, 4, 0.2, 15), (1503, 7, 2, 3, 1.0, 2)]:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, d)) + 0.5
    labels = rng.integers(0, n_classes - (n_classes > 3), n)  # of four classes the last has no example
    # the independent way: the gradient of the cross-entropy, written out
    W, b, target = np.zeros((n_classes, d)), np.zeros(n_classes), np.eye(n_classes)[labels]
    for _ in range(steps):
        p = np.exp(features @ W.T + b)
        miss = p / p.sum(axis=1, keepdims=True) - target
        W, b = W - lr * miss.T @ features / n, b - lr * miss.mean(axis=0)
    result = train_head(torch.tensor(features, dtype=torch.float32), torch.tensor(labels), n_classes, 0.0, lr, steps)
    assert_tuple(result, ("W", "b"), "train_head")
    # a few steps of well-behaved numbers: float32 keeps five digits
    hint = "ソフトマックスを二重にしていませんか。zero_grad は / softmax twice? zero_grad?"
    assert_close(result[0], W, f"W (n={n}, d={d}, steps={steps})", rtol=1e-4, atol=1e-5, hint=hint)
    assert_close(result[1], b, f"b (n={n}, d={d}, steps={steps})", rtol=1e-4, atol=1e-5, hint=hint)
    for part in result:
        assert not getattr(part, "requires_grad", False), (
            "勾配を持ったままです。detach() しましょう / detach() the result"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-train-head-decay", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# 罰則がとても強ければ W は 0 に近いまま、バイアスだけが学ぶ / a strong penalty: W stays near 0, the bias learns
features, labels = torch.ones(4, 1), torch.tensor([0, 0, 0, 1])
W, b = train_head(features, labels, 2, 10.0, 0.05, 200)
assert_close(W, [[0.0], [0.0]], "W (強い罰則 / strong penalty)", atol=0.03)
assert_close(b[0] > b[1] + 0.5, True, "b", hint="バイアスまで罰していませんか / do you penalise the bias?")
### BEGIN HIDDEN TESTS
for seed, n, d, n_classes, decay, lr, steps in [(1511, 15, 4, 3, 0.3, 0.4, 9), (1512, 10, 2, 2, 0.05, 1.5, 20)]:
    rng = np.random.default_rng(seed)
    features, labels = rng.standard_normal((n, d)) + 1, rng.integers(0, n_classes, n)
    W, b, target = np.zeros((n_classes, d)), np.zeros(n_classes), np.eye(n_classes)[labels]
    for _ in range(steps):
        p = np.exp(features @ W.T + b)
        miss = p / p.sum(axis=1, keepdims=True) - target
        W, b = W - lr * (miss.T @ features / n + 2 * decay * W), b - lr * miss.mean(axis=0)
    result = train_head(torch.tensor(features, dtype=torch.float32), torch.tensor(labels), n_classes, decay, lr, steps)
    hint = "罰則は decay × W の二乗の和、バイアスは除く / decay times the sum of squares of W, not of b"
    assert_close(result[0], W, f"W (decay={decay})", rtol=1e-4, atol=1e-5, hint=hint)
    assert_close(result[1], b, f"b (decay={decay})", rtol=1e-4, atol=1e-5, hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-train-head-faces", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_tuple

features, labels = torch.tensor(lfw_features), torch.tensor(lfw_label)
result = train_head(features[train_set].clone(), labels[train_set].clone(), 2, 1e-3, 1.0, 50)
assert_tuple(result, ("W", "b"), "train_head")
assert np.shape(result[0]) == (2, 1280), "W は (n_classes, d) です / W is (n_classes, d)"
assert np.shape(result[1]) == (2,), "b は (n_classes,) です / b is (n_classes,)"
### BEGIN HIDDEN TESTS
# the student's weights in the judge's own network, on pictures that were not in the training
for seed in (1521, 1522, 1523):
    pairs = np.random.default_rng(seed).permutation(100)
    train, test = np.isin(lfw.group, pairs[:10]), np.isin(lfw.group, pairs[10:])
    features, labels = torch.tensor(lfw_features), torch.tensor(lfw_label)
    result = train_head(features[train].clone(), labels[train].clone(), 2, 1e-3, 1.0, 50)
    own = nn.Linear(1280, 2)
    own.load_state_dict({"weight": torch.as_tensor(result[0]).detach(), "bias": torch.as_tensor(result[1]).detach()})
    with torch.no_grad():
        correct = float((own(features[test]).argmax(dim=1) == labels[test]).float().mean())
    # over 200 other splits: mean 98.8 %, standard deviation 1.0 %; chance is 50 %
    assert correct > 0.95, (
        "見たことのない写真での正解率が低すぎます / too many mistakes on pictures that were not in the training"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 何枚あれば、顔が分かるようになるでしょうか。訓練の枚数を 2 枚 (顔と顔でない写真を 1 枚ずつ) から増やして、
# **画素** の上に頭を付けたときと、**特徴** の上に付けたときを比べます。テストはいつも同じ 100 枚です。

# %% [markdown] tags=["lang-en"]
# How many pictures does it take? From 2 training pictures (one face, one other thing) upwards: a head on **pixels** against a
# head on **features**, tested on the same 100 pictures.

# %%
label = torch.tensor(lfw_label)
pairs = [1, 2, 5, 10, 25, 50]
figure, axis = plt.subplots(figsize=(5.5, 2.8))
for name, rows, style in (("画素 / pixels", lfw_pixels, "C7s-"), ("特徴 / features", lfw_features, "C3o-")):
    rows = torch.tensor(rows)
    correct = []
    for n_pairs in pairs:
        train = lfw.group < n_pairs
        W, b = train_head(rows[train], label[train], 2, 1e-3, 1.0, 50)
        score = rows[test_set] @ torch.as_tensor(W).T + torch.as_tensor(b)
        correct.append(100 * float((score.argmax(dim=1) == label[test_set]).float().mean()))
    print(name, [f"{percent:.0f} %" for percent in correct])
    axis.plot([2 * n_pairs for n_pairs in pairs], correct, style, label=name)
axis.axhline(50, color="0.7", linestyle="--", label="でたらめ / chance")
axis.set_xlabel("訓練に使った写真の枚数 / training pictures")
axis.set_ylabel("テストの正解率 (%)")
axis.set_ylim(40, 102)
axis.legend(fontsize=8)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 6. 成績を正しく報告する (10 点)
#
# 「正解率 96 %」だけでは、何枚で測ったのかも、どうまちがえたのかも分かりません。三つの道具を作ります。
#
# **混同行列** $C$: $C_{kl}$ は「正解がクラス $k$ で、答えがクラス $l$ だった」枚数です。行が正解、列が答えです。
#
# **信頼区間**: $n$ 枚中 $m$ 枚正解なら $\hat p = m / n$。真の正解率の 95 % 信頼区間を、**ウィルソン** (Wilson) の式で求めます。
#
# $$\frac{\hat p + \frac{z^2}{2n} \;\pm\; z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}, \qquad z = 1.96$$
#
# 教科書によくある $\hat p \pm z\sqrt{\hat p(1-\hat p)/n}$ は、100 枚中 100 枚正解だと幅が *0* になり、「絶対にまちがえない」と言い張ります。
#
# **AUC**: 顔らしさの得点としきい値を比べて「顔だ」と答えるとき、しきい値を動かして、横軸に *誤警報率*、縦軸に *ヒット率* を描いたものが
# **ROC 曲線**、その下の面積が AUC です。信号検出理論では、AUC は **二肢強制選択** (2AFC) の正解率に等しいことが知られています。つまり、
#
# > 顔の写真と顔でない写真を一枚ずつでたらめに選び、得点の高いほうを「顔」と答えたときの正解率 (同点なら、コインを投げるので 1/2)
#
# こちらの言い方のほうが、計算も簡単です。すべての (顔, 顔でない) の組について数えてください。

# %% [markdown] tags=["lang-en"]
# ## Question 6. Report results honestly (10 points)
#
# "96 % right" says neither of how many, nor which way it went wrong. Three tools. **Confusion matrix**: $C_{kl}$ counts
# pictures of class $k$ (row: the truth) that were called $l$ (column: the answer). **Confidence interval**: for $m$ right of
# $n$, $\hat p = m/n$, the 95 % interval after Wilson (formula above, $z = 1.96$); the textbook's
# $\hat p \pm z\sqrt{\hat p(1-\hat p)/n}$ has width 0 when all are right. **AUC**: the area under the ROC curve (hit rate
# against false-alarm rate, for all thresholds). Signal detection theory tells that it equals the proportion correct in a
# two-alternative forced choice: draw one face and one non-face at random and call the one with the higher score "face" (at a
# tie toss a coin: 1/2). Count over all pairs (face, non-face).


# %% nbgrader={"grade": false, "grade_id": "evaluate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def confusion_matrix(truth, answer, n_classes):
    """混同行列 / confusion matrix.

    truth, answer : (n,) 整数の配列。0 〜 n_classes - 1 / whole numbers
    返り値 / returns : (n_classes, n_classes) 整数。行が正解、列が答え / rows: truth, columns: answer
    """
    ### BEGIN SOLUTION
    cells = np.bincount(truth * n_classes + answer, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)
    ### END SOLUTION


def wilson_interval(n_correct, n):
    """正解率の 95 % 信頼区間 (ウィルソン、z = 1.96) / Wilson's 95 % interval of an accuracy.

    n_correct, n : 正解の数 (0 〜 n) と全体の数 (1 以上) / number right (0 to n), number in all (1 or more)
    返り値 / returns : (low, high)
    """
    ### BEGIN SOLUTION
    p, z = n_correct / n, 1.96
    centre = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    ### END SOLUTION


def area_under_curve(is_face, score):
    """AUC: 顔の得点のほうが高い組の割合 (同点は 1/2) / share of pairs in which the face has the higher score.

    is_face : (n,) 真偽値の配列。顔なら True / True for a face
    score   : (n,) 得点の配列。大きいほど顔らしい / the higher, the more like a face
    返り値 / returns : 0 〜 1 の数 / a number from 0 to 1
    """
    ### BEGIN SOLUTION
    difference = score[is_face][:, np.newaxis] - score[~is_face]
    return np.mean((1 + np.sign(difference)) / 2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-confusion-matrix", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

result = confusion_matrix(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 2)
assert_close(result, [[1, 1], [1, 2]], "confusion_matrix", hint="行が正解、列が答えです / rows: truth, columns: answer")
assert_close(
    confusion_matrix(np.array([0, 0]), np.array([1, 1]), 3), [[0, 2, 0], [0, 0, 0], [0, 0, 0]], "confusion_matrix"
)
### BEGIN HIDDEN TESTS
from sklearn.metrics import confusion_matrix as reference_matrix

rng = np.random.default_rng(1601)
for n, n_classes in [(50, 2), (200, 5), (3, 4)]:
    truth, answer = rng.integers(0, n_classes, n), rng.integers(0, n_classes, n)
    right = reference_matrix(truth, answer, labels=range(n_classes))
    assert_close(
        confusion_matrix(truth.copy(), answer.copy(), n_classes),
        right,
        f"confusion_matrix (n={n}, n_classes={n_classes})",
        hint="行が正解、列が答えです / rows: truth, columns: answer",
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-wilson-interval", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

result = wilson_interval(50, 100)
assert_tuple(result, ("low", "high"), "wilson_interval")
assert_close((result[0] + result[1]) / 2, 0.5, "真ん中 / the middle (50/100)")
low, high = wilson_interval(20, 20)
assert_close(high, 1.0, "high (20/20)", hint="全問正解なら上端は 1 です / all right: the upper end is 1")
assert low < 0.9, "20 問全部正解でも、9 割とは言い切れません / 20 of 20 does not prove 90 %"
### BEGIN HIDDEN TESTS
from scipy.stats import binomtest

for n_correct, n in [(0, 7), (7, 7), (1, 1), (96, 100), (3, 250), (180, 200), (41, 80)]:
    right = binomtest(n_correct, n).proportion_ci(0.95, method="wilson")
    result = wilson_interval(n_correct, n)
    assert_tuple(result, ("low", "high"), "wilson_interval")
    # z = 1.96 against 1.959964: up to 2e-5 of the width
    assert_close(result, [right.low, right.high], f"wilson_interval ({n_correct}/{n})", rtol=0, atol=2e-5)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-area-under-curve", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

is_face = np.array([True, True, False, False])
assert_close(area_under_curve(is_face, np.array([3.0, 2.0, 1.0, 0.0])), 1.0, "area_under_curve (完璧 / perfect)")
assert_close(
    area_under_curve(is_face, np.array([3.0, 1.0, 2.0, 0.0])),
    0.75,
    "area_under_curve",
    hint="顔のどの一枚も、顔でないすべてとくらべます / each face is compared with every other picture",
)
assert_close(
    area_under_curve(is_face, np.zeros(4)),
    0.5,
    "area_under_curve (全部同点 / all equal)",
    hint="同点は 1/2 / a tie: 1/2",
)
### BEGIN HIDDEN TESTS
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(1602)
for n, levels in [(40, 1000), (60, 4), (25, 2), (120, 7)]:
    is_face = rng.random(n) < 0.35
    is_face[:2] = [True, False]
    # with few levels there are many ties
    score = rng.integers(0, levels, n) / 2 + 0.3 * levels * is_face * rng.random(n).round()
    right = roc_auc_score(is_face, score)
    assert_close(
        area_under_curve(is_face.copy(), score.copy()),
        right,
        f"area_under_curve (n={n})",
        hint="同点は 1/2 と数えましたか / a tie counts 1/2",
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# ### ところ変われば — ドメインシフト
#
# LFW の訓練用 20 枚だけで学んだ頭を、LFW のテスト 100 枚と、**別のデータ** (ORL の顔 400 枚と、風景などの切り抜き 100 枚) で試します。
# 撮り方も切り抜き方もちがうデータに移ると成績が落ちることを、**ドメインシフト** (domain shift) といいます。

# %% [markdown] tags=["lang-en"]
# ### Other places: domain shift
#
# The head that learnt from the 20 LFW pictures, tried on 100 LFW test pictures and on **other data** (400 ORL faces, 100
# cut-outs of landscapes and things). When results suffer from another way of taking and cutting pictures, that is called
# **domain shift**.

# %%
figure, axis = plt.subplots(figsize=(3.6, 3.2))
axis.plot([0, 1], [0, 1], color="0.8", linestyle="--")
for eye, lfw_rows, orl_rows, style in (
    ("画素 / pixels", lfw_pixels, orl_pixels, "C7"),
    ("特徴 / features", lfw_features, orl_features, "C3"),
):
    W, b = train_head(torch.tensor(lfw_rows[train_set]), torch.tensor(lfw_label[train_set]), 2, 1e-3, 1.0, 100)
    W, b = torch.as_tensor(W).numpy(), torch.as_tensor(b).numpy()
    for place, rows, truth, line in (
        ("LFW", lfw_rows[test_set], lfw.is_face[test_set], "-"),
        ("ORL", orl_rows, orl_is_face, ":"),
    ):
        z = rows @ W.T + b
        answer, score = z.argmax(axis=1), z[:, 1] - z[:, 0]
        n_correct, n = int(np.sum(answer == truth)), len(truth)
        low, high = wilson_interval(n_correct, n)
        print(f"{eye} → {place}: {n_correct}/{n} = {n_correct / n:.1%}  [{low:.1%}, {high:.1%}]", end="  ")
        print(f"AUC {area_under_curve(truth, score):.3f}  ", np.array(confusion_matrix(truth * 1, answer, 2)).tolist())
        axis.plot(*roc_curve(truth, score)[:2], style, linestyle=line, label=f"{eye} → {place}")
axis.set_xlabel("誤警報率 / false alarms")
axis.set_ylabel("ヒット率 / hits")
axis.legend(fontsize=7)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 記述 1 (6 点)
#
# 1. 「くじ引きの性格」は、写真で分けると 9 割ほど当たり、人で分けると半分ほどしか当たりませんでした。ネットワークは何を学んでいたのですか。
#    「顔から性格 (や犯罪傾向) を AI が読み取った」という報道を見たとき、論文のどこを最初に確かめますか。
# 2. ORL に移ったとき、**特徴** の頭は主にどちらの種類のまちがいをしましたか (混同行列を読む)。AUC はほぼ 1 なのに正解率が落ちたのはなぜですか。
#    信号検出理論の **感度** と **判断基準** ということばで説明してください。
#    `show_images(lfw.images[100:120])` と `show_images(orl_images[400:420])` (どちらも顔でない画像) を見くらべて、原因も考えてください。
# 3. テスト 100 枚で正解率 99 % のモデル A と 97 % のモデル B があります。A のほうが優れていると言えますか。信頼区間を計算して答えてください。

# %% [markdown] tags=["lang-en"]
# ## Written question 1 (6 points)
#
# (1) The "drawn character" could be predicted when split by picture and not when split by person. What had been learnt? When
# the news say that an AI reads character (or crime) from faces, what do you check first in the paper? (2) On ORL, which kind
# of mistake did the head on **features** make (read its confusion matrix)? Its AUC is nearly 1, why did accuracy fall? Use the
# words **sensitivity** and **criterion** of signal detection theory. Compare `show_images(lfw.images[100:120])` with
# `show_images(orl_images[400:420])` (no faces in either) for a reason. (3) Model A has 99 %, model B 97 % on 100 test pictures. Is A better?
# Compute the intervals. Six to twelve lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-leak", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 「性格」ではなく「だれか」を覚えていた。写真で分けると、テストの人のほかの写真が訓練にあるので、その人を見分けて、
#    覚えた性格を答えればよい。知らない人では何も分からず、五分五分になる。
#    論文では、まず、同じ人 (同じ撮影、同じ出典) の写真が訓練とテストの両方に入っていないか、つまり何を単位に分けたかを確かめる。
# 2. まちがいは誤警報 (顔でないものを「顔」と答えた 11 枚) ばかりで、見落としは 0 枚。得点の順番は正しい (AUC がほぼ 1、感度は高い) が、
#    「顔」と答える境目 (判断基準) が ORL には合っていない。LFW の「顔でない」画像は黒い隅やのっぺりした背景ばかりなので、
#    模様のある石や草花のような、のっぺりしていないものは「顔」の側に入ってしまう。基準をずらせば、ほとんど全部が正しくなる。
# 3. 言えない。A は [94.6 %, 99.8 %]、B は [91.5 %, 99.0 %] で大きく重なる。ちがいは 100 枚中 2 枚で、偶然でも起こる。
#    もっと多くの写真で、できれば同じ写真どうしを組にして比べる必要がある。
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): 人を覚えた (漏れ) という説明に 1 点。分け方の単位 (人・撮影) を確かめる、に 1 点。「データを増やす」だけなら 0 点。
# 2 (2 点): 誤警報であること、または基準がずれたこと (感度は保たれている) に 1 点。訓練に使った「顔でない」画像の偏り
#    (黒い隅、のっぺりした背景) に触れていれば 1 点。
# 3 (2 点): 二つの区間が正しく計算されていれば 1 点 (小数第 1 位まで)。重なるので言えない、に 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ---
# # C. 転移学習か、ファインチューニングか
#
# ## 問 7. データ拡張 (7 点)
#
# 人は、顔が少し右にずれても、左右が入れかわっても、同じ人だと分かります。
# それを教える簡単な方法が **データ拡張** (data augmentation) です。訓練の画像を、**意味の変わらない範囲で** 少しずつ変えて増やします。
# 写真が少ないときの **過剰適合** (その写真の細かいところまで覚えこんでしまうこと) を抑えます。
#
# 画像 **一枚ごとに別々に**、次の変換をしてください。乱数は `np.random.default_rng(seed)` から取ります。
#
# 1. 確率 1/2 で **左右** を反転する (上下ではありません)
# 2. 縦と横に、それぞれ $-s, \dots, s$ 画素のどれかだけずらす (どの値も同じ確率。 $s$ は `max_shift`)。
#    はみ出して空いたところは、端の画素を延ばして埋める
#
# ```python
# np.pad(image, s, mode="edge")   # 上下左右に s 画素ずつ、端の値で広げる
# ```
#
# 広げてから (h, w) を切り抜けば、ずらしたことになります。
#
# データ拡張は **訓練にだけ** 使います。テストの画像を変えると、測っているものが変わってしまいます。
# また、「左右の反転で意味が変わらない」のは顔だからです。文字や、信号機の上下ではどうでしょうか。

# %% [markdown] tags=["lang-en"]
# ## Question 7. Data augmentation (7 points)
#
# A face a little to the right, or mirrored, is the same face. **Data augmentation** teaches that: change the training pictures
# a little, **as far as the meaning stays**. For **each picture by itself**, with random numbers from
# `np.random.default_rng(seed)`: (1) mirror **left and right** with probability 1/2; (2) shift it vertically and horizontally,
# each by one of $-s, \dots, s$ pixels (all equally likely, $s$ is `max_shift`), repeating the edge where the picture ends:
# pad with `np.pad(image, s, mode="edge")` and cut out (h, w). This reins in **overfitting**: with few
# pictures a network learns their every detail by heart. Augment **training pictures only**: with changed test pictures
# you measure something else. And mirroring keeps the meaning of faces, not of letters.


# %% nbgrader={"grade": false, "grade_id": "augment", "locked": false, "schema_version": 3, "solution": true, "task": false}
def augment(images, max_shift, seed):
    """左右の反転と平行移動によるデータ拡張 / data augmentation by mirroring and shifting.

    images    : (n, h, w) の配列。書きかえない / stays as it is
    max_shift : ずらす最大の画素数 s (0 以上) / largest shift in pixels
    seed      : 乱数の種。同じ種なら同じ結果 / same seed, same result
    返り値 / returns : (n, h, w) の配列。一枚ごとに、別々の反転とずれ / each picture with its own change
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    h, w = images.shape[1:]
    changed = []
    for image in images:
        mirror, dy, dx = rng.integers([2, 2 * max_shift + 1, 2 * max_shift + 1])
        padded = np.pad(image, max_shift, mode="edge")[dy : dy + h, dx : dx + w]
        changed.append(padded[:, ::-1] if mirror else padded)
    return np.stack(changed)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-augment", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

images = np.arange(24.0).reshape(2, 3, 4)
result = augment(images, 0, seed=0)
assert np.shape(result) == (2, 3, 4), "形は変わりません / the shape stays"
assert np.array_equal(images, np.arange(24.0).reshape(2, 3, 4)), "images が書きかわっています / images was changed"
for before, after in zip(images, np.asarray(result), strict=True):
    assert np.array_equal(after, before) or np.array_equal(after, before[:, ::-1]), (
        "max_shift=0 なら、そのままか、左右の反転だけです / without shifts: as it is, or mirrored left and right"
    )
### BEGIN HIDDEN TESTS
for seed, (n, h, w), s in [(1701, (12, 5, 8), 1), (1702, (9, 9, 6), 2), (1703, (15, 4, 4), 3)]:
    images = np.random.default_rng(seed).random((n, h, w))
    before = images.copy()
    result = augment(images, s, seed)
    assert np.array_equal(images, before), "images が書きかわっています / images was changed"
    assert np.shape(result) == (n, h, w), "形は変わりません / the shape stays"
    # every change that is allowed, by index: row y shows row y - dy, held inside the picture
    rows = np.clip(np.arange(h) - np.arange(-s, s + 1)[:, None], 0, h - 1)
    columns = np.clip(np.arange(w) - np.arange(-s, s + 1)[:, None], 0, w - 1)
    for picture, after in zip(before, np.asarray(result, dtype=float), strict=True):
        allowed = np.stack([side[rows[:, None, :, None], columns[:, None, :]] for side in (picture, picture[:, ::-1])])
        assert np.abs(allowed - after).max(axis=(-2, -1)).min() < 1e-6, (
            f"max_shift={s}: 左右の反転とずれだけでは作れない画像があります。端の埋め方は / "
            "a picture that no mirroring and shift can make; how do you fill the edge?"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-augment-random", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
images = np.stack([np.arange(12.0).reshape(3, 4)] * 40)
result = np.asarray(augment(images, 0, seed=1))
mirrored = int((result[:, 0, 0] == 3).sum())
assert 0 < mirrored < 40, "一枚ごとに別々に決めましょう / decide for each picture by itself"
### BEGIN HIDDEN TESTS
# one white pixel, left of the middle: where it goes tells the change
images = np.zeros((900, 5, 8))
images[:, 2, 2] = 1.0
first, again, other = (np.asarray(augment(images[:50].copy(), 1, seed)) for seed in (1711, 1711, 1712))
assert np.array_equal(first, again), "同じ seed なのに結果がちがいます / the same seed gives another result"
assert not np.array_equal(first, other), "seed を使っていません / seed has no effect"
times = np.asarray(augment(images.copy(), 1, 1713)).sum(axis=0)
# without mirroring column 2 moves to 1..3, with it to 4..6: 18 equally likely places, 50 expected in each,
# standard deviation 6.9; six of them leave 9 to 91
assert times[1:4, 1:7].min() > 9, "めったに起こらない変換があります / a change that hardly ever occurs"
assert times.max() < 91, "起こりやすい変換があります / a change that occurs too often"
# half of 900, standard deviation 15; six of them
assert 360 < times[:, 4:].sum() < 540, "左右の反転の確率は 1/2 です / mirrored with probability 1/2"
### END HIDDEN TESTS

# %%
show_images(
    np.concatenate([faces.images[:1], np.asarray(augment(np.repeat(faces.images[:1], 9, axis=0), 5, seed=0))]),
    titles=["もと"] + [""] * 9,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 8. 学習の本体 (15 点)
#
# いよいよ、ネットワーク全体の学習です。三つの **やり方** (`mode`) を一つの関数にまとめます。
#
# | `mode` | 学習する重み | 訓練中のモード |
# |---|---|---|
# | `"transfer"` | `model.head` だけ | 評価モード |
# | `"finetune"` | 全部 | 評価モード |
# | `"scratch"` | 全部 | **訓練モード** |
#
# 転移学習とファインチューニングで評価モードのままにするのは、**バッチ正規化** のためです。
# 数枚の写真の平均で、120 万枚から求めた平均を上書きしてしまうと、せっかくの目が曇ります。
# (`"transfer"` では、重みを止めても訓練モードだとこの平均は *勝手に変わります*。重みの凍結だけでは足りません。)
#
# `steps` 回、次のことをくり返してください。
#
# 1. モードを上の表のとおりにする
# 2. `train` の全部のデータで交差エントロピーを求め、 `torch.optim.SGD(..., lr=lr)` で **一回** 更新する
# 3. **評価モード** にして、 `val` での交差エントロピーを記録する (勾配は要らない)
# 4. それまでで一番小さければ、そのときの **状態** (`model.state_dict()`) を覚えておく (同点なら早いほう)
#
# 返すのは、一番よかったときの状態と、検証の損失の並びです。 `mode` が三つのどれでもなければ `ValueError` を出します。
#
# 毎年くり返される失敗:
#
# - 「ファインチューニング」と言いながら、 `optimizer` には最後の層しか渡していない
# - `if phase == "training": model.train()` と書いたのに、 `phase` は `"train"` だった。訓練モードに **一度もならない** のに、エラーは出ない
# - 検証のあと、訓練モードに *戻し忘れる*
# - `best = model.state_dict()` は **写しではありません**。そのあとの更新で中身が変わり、いつも *最後の* 状態になります。
#   `deepcopy` を使いましょう

# %% [markdown] tags=["lang-en"]
# ## Question 8. Training proper (15 points)
#
# One function for three **modes** (table above). `"transfer"`: only `model.head` learns, evaluation mode; `"finetune"`: all
# weights learn, evaluation mode; `"scratch"`: all weights learn, **training mode**. The first two stay in evaluation mode for
# the sake of **batch normalisation**: a few pictures must not overwrite means taken from 1.2 million (in training mode they
# change *by themselves*, even when all weights are frozen).
#
# Repeat `steps` times: (1) set the mode as in the table; (2) cross-entropy of all of `train`, **one** update with
# `torch.optim.SGD(..., lr=lr)`; (3) in **evaluation mode** note the cross-entropy of `val`, without gradients; (4) if it is
# the smallest so far, keep the **state** (`model.state_dict()`); at a tie keep the earlier. Return the best state and the list
# of validation losses; raise `ValueError` for any other `mode`.
#
# Mistakes of every year: "fine-tuning" with an optimiser that holds the last layer only; `if phase == "training"` when the
# phase is called `"train"`, so that training mode is **never** reached, without an error; not going back to training mode
# after validation; `best = model.state_dict()` is **no copy**: later updates change it. Use `deepcopy`.


# %% nbgrader={"grade": false, "grade_id": "train-network", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_network(model, train, val, mode, steps, lr):
    """ネットワークを学習させ、検証の損失が最小の状態を返す / train, and return the state with the best validation loss.

    model      : model(x) が (n, クラスの数) の得点を返すモデル。最後の層が model.head
                 model(x) are scores (n, classes); its last layer is model.head
    train, val : (x, y) の組。x は入力のテンソル、y は (n,) 整数のテンソル / pairs of inputs and whole-number labels
    mode       : "transfer"、"finetune"、"scratch" のどれか。ほかは ValueError / one of the three, else ValueError
    steps, lr  : 更新の回数 (1 以上) と学習率 / number of updates (1 or more), learning rate
    返り値 / returns : 次の二つを持つ辞書 / a dict of
        "state"    : 検証の損失が最小だったときの state_dict (写し) / a copy of the best state_dict
        "val_loss" : 長さ steps。更新のたびの検証の損失 / the validation loss after each update
    model は変わってよい / model may be changed
    """
    ### BEGIN SOLUTION
    if mode not in ("transfer", "finetune", "scratch"):
        raise ValueError(f"unknown mode: {mode!r}")
    model.requires_grad_(mode != "transfer")
    model.head.requires_grad_(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    val_loss = []
    for _ in range(steps):
        model.train(mode == "scratch")
        optimizer.zero_grad()
        F.cross_entropy(model(train[0]), train[1]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss.append(F.cross_entropy(model(val[0]), val[1]).item())
        if val_loss[-1] < min(val_loss[:-1], default=np.inf):
            state = deepcopy(model.state_dict())
    return {"state": state, "val_loss": val_loss}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-train-network-weights", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close


def tiny_network(seed, n_classes=2, width=3):
    """畳み込み・バッチ正規化・ドロップアウト・頭 / convolution, batch norm, dropout, head."""
    torch.manual_seed(seed)
    network = nn.Sequential()
    network.add_module("features", nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Sigmoid()))
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module("dropout", nn.Dropout(0.5))
    network.add_module("head", nn.Linear(width, n_classes))
    return network


torch.manual_seed(0)
data = torch.randn(6, 3, 5, 5), torch.tensor([0, 1, 0, 1, 0, 1])
for mode, moving in (("transfer", ("head.",)), ("finetune", ("head.", "features."))):
    before = deepcopy(tiny_network(1).state_dict())
    result = train_network(tiny_network(1), data, data, mode, 2, 0.5)
    message = '"state" と "val_loss" を持つ辞書を返してください / return a dict with "state" and "val_loss"'
    assert isinstance(result, dict), message
    assert {"state", "val_loss"} <= set(result), message
    assert set(result["state"]) == set(before), (
        '"state" は model.state_dict() と同じ鍵を持ちます / "state" has the keys of model.state_dict()'
    )
    for key in before:
        changed = not np.array_equal(np.asarray(result["state"][key]), np.asarray(before[key]))
        expected = key.startswith(moving) and key.endswith(("weight", "bias"))
        assert changed == expected, (
            f'mode="{mode}": {key} が {"変わりません" if expected else "変わってしまいました"} / '
            f"{key} {'should change' if expected else 'must stay as it was'}"
        )
### BEGIN HIDDEN TESTS
for seed, n, n_classes, width, lr in [(1801, 8, 2, 3, 0.5), (1802, 5, 4, 2, 0.1), (1803, 9, 3, 5, 2.0)]:
    torch.manual_seed(seed)
    data = 3 * torch.randn(n, 3, 6, 4) + 1, torch.randint(n_classes, (n,))
    for mode in ("transfer", "finetune"):
        # one update by hand: weight minus learning rate times gradient, in evaluation mode
        own = tiny_network(seed, n_classes, width).eval()
        before = deepcopy(own.state_dict())
        names, weights = zip(*own.named_parameters(), strict=True)
        loss = -own(data[0]).log_softmax(dim=1)[torch.arange(n), data[1]].mean()
        slopes = dict(zip(names, torch.autograd.grad(loss, weights), strict=True))
        result = train_network(
            tiny_network(seed, n_classes, width), tuple(part.clone() for part in data), data, mode, 1, lr
        )
        assert set(result["state"]) == set(before), '"state" の鍵がちがいます / the keys of "state" are wrong'
        for key, value in before.items():
            if key in slopes and (mode == "finetune" or key.startswith("head.")):
                value = value - lr * slopes[key]
            # float32 keeps five digits over one update
            assert_close(
                result["state"][key],
                value.numpy(),
                f'mode="{mode}": state["{key}"]',
                rtol=1e-4,
                atol=1e-5,
                hint="学習させる重みと、モード (評価か訓練か) を確かめましょう / which weights learn, and in which mode?",
            )
for mode in ("train", "fine-tune", "Transfer", ""):
    try:
        train_network(tiny_network(1804), data, data, mode, 1, 0.1)
    except ValueError:
        pass
    else:
        raise AssertionError("知らない mode には ValueError を出してください / ValueError for an unknown mode")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-train-network-modes", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close


def tiny_network(seed, n_classes=2, width=3):
    """畳み込み・バッチ正規化・頭 / convolution, batch norm, head."""
    torch.manual_seed(seed)
    network = nn.Sequential()
    network.add_module("features", nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Sigmoid()))
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module("head", nn.Linear(width, n_classes))
    return network


torch.manual_seed(2)
data = torch.randn(6, 3, 5, 5), torch.tensor([0, 1, 0, 1, 0, 1])
result = train_network(tiny_network(3), data, data, "scratch", 1, 0.1)
assert_close(
    result["state"]["features.1.num_batches_tracked"],
    1,
    "バッチ正規化が見た回数 / how often batch norm counted",
    hint='mode="scratch" では訓練モードで更新し、評価モードで検証します / update in training mode, validate in evaluation mode',
)
### BEGIN HIDDEN TESTS
for seed, n, n_classes, width, lr in [(1811, 7, 2, 3, 0.4), (1812, 10, 3, 2, 0.1)]:
    torch.manual_seed(seed)
    data = 2 * torch.randn(n, 3, 7, 5) - 1, torch.randint(n_classes, (n,))
    other = 2 * torch.randn(4, 3, 7, 5), torch.randint(n_classes, (4,))
    own = tiny_network(seed, n_classes, width)
    names, weights = zip(*own.named_parameters(), strict=True)
    maps = F.conv2d(data[0], weights[0], weights[1])
    # training mode in single steps: batch norm by the batch's own mean and (biased) variance
    centre, spread = maps.mean(dim=(0, 2, 3), keepdim=True), maps.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    scores = own.head(torch.sigmoid((maps - centre) / (spread + 1e-5).sqrt()).mean(dim=(2, 3)))
    loss = -scores.log_softmax(dim=1)[torch.arange(n), data[1]].mean()
    # weight and bias of batch norm are still 1 and 0, so only the others are compared
    moving = [k for k, name in enumerate(names) if not name.startswith("features.1.")]
    slopes = torch.autograd.grad(loss, [weights[k] for k in moving])
    right = {names[k]: (weights[k] - lr * slope).detach().numpy() for k, slope in zip(moving, slopes, strict=True)}
    # a running mean starts at 0 and takes one tenth of each batch's
    right["features.1.running_mean"] = 0.1 * centre.flatten().detach().numpy()
    result = train_network(tiny_network(seed, n_classes, width), data, other, "scratch", 1, lr)
    for key, value in right.items():
        assert_close(
            result["state"][key],
            value,
            f'mode="scratch": state["{key}"]',
            rtol=1e-3,
            atol=1e-4,
            hint="訓練モードで更新していますか / do you update in training mode?",
        )
    # the student's weights in the judge's own network: the loss in evaluation mode
    own.load_state_dict({key: torch.as_tensor(value) for key, value in result["state"].items()})
    with torch.no_grad():
        loss = -own.eval()(other[0]).log_softmax(dim=1)[torch.arange(4), other[1]].mean()
    assert_close(
        result["val_loss"],
        [float(loss)],
        '"val_loss"',
        rtol=1e-4,
        hint="検証は評価モードですか / do you validate in evaluation mode?",
    )
# the loss falls from step to step here, so the best state is the last, and has seen every batch
data = torch.randn(8, 3, 5, 5), torch.zeros(8, dtype=torch.long)
for steps in (2, 5):
    result = train_network(tiny_network(1813), data, data, "scratch", steps, 0.3)
    assert_close(np.shape(result["val_loss"]), (steps,), '"val_loss" の長さ / length')
    assert_close(
        result["state"]["features.1.num_batches_tracked"],
        steps,
        "バッチ正規化が見た回数 / how often batch norm counted",
        hint="検証のあと、訓練モードに戻していますか / back to training mode after validation?",
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-train-network-best", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close


def tiny_network(seed, n_classes=2, width=3):
    """畳み込み・バッチ正規化・頭 / convolution, batch norm, head."""
    torch.manual_seed(seed)
    network = nn.Sequential()
    network.add_module("features", nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Sigmoid()))
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module("head", nn.Linear(width, n_classes))
    return network


# 検証の正解を逆にしておく: 学ぶほど検証の損失は増え、一番よいのは最初の状態 / labels reversed: the first is best
torch.manual_seed(4)
x, y = torch.randn(6, 3, 5, 5), torch.tensor([0, 0, 0, 0, 0, 1])
first = train_network(tiny_network(5), (x, y), (x, 1 - y), "transfer", 1, 0.3)
result = train_network(tiny_network(5), (x, y), (x, 1 - y), "transfer", 6, 0.3)
assert_close(
    result["state"]["head.bias"],
    np.asarray(first["state"]["head.bias"]),
    'state["head.bias"]',
    rtol=1e-4,
    hint="一番よかったときの状態の「写し」ですか。deepcopy を / a copy of the best state? use deepcopy",
)
### BEGIN HIDDEN TESTS
from torch.func import functional_call

best_steps = set()
for seed, n, n_classes, lr, steps in [(1841, 6, 2, 3.0, 7), (1835, 6, 2, 3.0, 7)]:
    torch.manual_seed(seed)
    train = torch.randn(n, 3, 6, 5), torch.randint(n_classes, (n,))
    val = torch.randn(n + 1, 3, 6, 5), torch.randint(n_classes, (n + 1,))
    for mode in ("transfer", "finetune", "scratch"):
        # the independent way: weights and buffers in dicts of our own, updates written out
        own = tiny_network(seed, n_classes)
        state = {key: value.detach().clone() for key, value in own.state_dict().items()}
        names = [name for name, _ in own.named_parameters() if mode != "transfer" or name.startswith("head.")]
        losses, states = [], []
        for _ in range(steps):
            leaves = {name: state[name].clone().requires_grad_() for name in names}
            scores = functional_call(own.train(mode == "scratch"), state | leaves, (train[0],))
            loss = -scores.log_softmax(dim=1)[torch.arange(n), train[1]].mean()
            for name, slope in zip(names, torch.autograd.grad(loss, list(leaves.values())), strict=True):
                state[name] = state[name] - lr * slope
            scores = functional_call(own.eval(), state, (val[0],))
            losses.append(-float(scores.log_softmax(dim=1)[torch.arange(n + 1), val[1]].mean()))
            states.append({key: value.clone() for key, value in state.items()})
        order = np.argsort(losses)
        if losses[order[1]] < losses[order[0]] + 1e-4:
            raise RuntimeError("too close to call: mend the seeds of this test")
        best_steps.add(int(order[0]))
        result = train_network(tiny_network(seed, n_classes), train, val, mode, steps, lr)
        # a few updates in float32; each may double an error of 1e-7
        assert_close(result["val_loss"], losses, f'mode="{mode}": "val_loss"', rtol=1e-3, atol=1e-4)
        for key, value in states[order[0]].items():
            assert_close(
                result["state"][key],
                value.numpy(),
                f'mode="{mode}": state["{key}"]',
                rtol=1e-2,
                atol=1e-3,
                hint="一番よかったときの状態の「写し」ですか / a copy of the best state?",
            )
if len(best_steps) < 3:
    raise RuntimeError("the best step is always the same: mend the seeds of this test")
# a head of zeros that does not learn: all losses are equal, and the earliest state is wanted
own = tiny_network(1824, n_classes)
nn.init.zeros_(own.head.weight)
nn.init.zeros_(own.head.bias)
result = train_network(own, train, (val[0], torch.zeros(len(val[1]), dtype=torch.long)), "scratch", 3, 0.0)
assert_close(
    result["state"]["features.1.num_batches_tracked"],
    1,
    "同点のときの状態 / the state at a tie",
    hint="同点なら早いほう / at a tie the earlier",
)
# real pictures: the student's weights in the judge's own network, on photos that were not in the training
pairs = np.random.default_rng(1825).permutation(100)
x = torch.tensor(lfw.images, dtype=torch.float32)[:, None].repeat(1, 3, 1, 1) * 4 - 2
train, val, test = (np.isin(lfw.group, pairs[part]) for part in (slice(8), slice(8, 10), slice(10, 40)))
y = torch.tensor(lfw_label)
own = small_network(True, random_seed=1826).cpu()
result = train_network(deepcopy(own), (x[train], y[train]), (x[val], y[val]), "transfer", 6, 1.0)
own.load_state_dict({key: torch.as_tensor(value) for key, value in result["state"].items()})
with torch.no_grad():
    correct = float((own.eval()(x[test]).argmax(dim=1) == y[test]).float().mean())
# over 25 other splits: mean 96.7 %, standard deviation 2.7 %, lowest 88.3 %
assert correct > 0.85, (
    "見たことのない写真での正解率が低すぎます / too many mistakes on pictures that were not in the training"
)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔か顔でないかを、訓練 20 枚・検証 20 枚で学習させます (問 1 の `preprocess` も使います)。
# 使うのは、MobileNetV2 の下の 4 段に新しい頭を付けた、小さなネットワークです。画像は 32×32 画素にします。
#
# グラフは検証の損失、凡例は **テスト** 100 枚の正解率です。一番よかったのは、いつも右端でしょうか。
# 縦軸は 1.5 までなので、損失がそれより大きくなった線は、図の上にはみ出して見えなくなります。

# %% [markdown] tags=["lang-en"]
# Face or not, from 20 pictures for training and 20 for validation (with your `preprocess` of question 1), in a small network:
# the lowest four stages of MobileNetV2 and a new head, pictures of 32×32. The curves are validation losses, the legend tells
# the accuracy on 100 **test** pictures. Is the best step always the last? A curve
# that leaves the top of the figure has a loss above 1.5.

# %%
inputs, label = torch.as_tensor(preprocess(lfw.images, 32)).to(DEVICE), torch.tensor(lfw_label).to(DEVICE)
train, val = (inputs[train_set], label[train_set]), (inputs[val_set], label[val_set])
figure, axis = plt.subplots(figsize=(6, 3))
for name, mode, lr, style in (
    ("転移学習 / transfer", "transfer", 1.0, "C3"),
    ("ファインチューニング、学習率 0.03", "finetune", 0.03, "C0"),
    ("ファインチューニング、学習率 0.5", "finetune", 0.5, "C0--"),
    ("ゼロから / from scratch", "scratch", 0.1, "C7"),
):
    network = small_network(use_pretrained=mode != "scratch")
    result = train_network(network, train, val, mode, 20, lr)
    network.load_state_dict({key: torch.as_tensor(value) for key, value in result["state"].items()})
    with torch.no_grad():
        answer = network.eval()(inputs[test_set]).argmax(dim=1)
    n_correct = int((answer == label[test_set]).sum())
    axis.plot(range(1, 21), result["val_loss"], style, label=f"{name}: {n_correct} %")
axis.set_xlabel("更新の回数 / updates")
axis.set_ylabel("検証の損失 / validation loss")
axis.set_ylim(0, 1.5)
axis.set_xticks(range(0, 21, 5))
axis.legend(fontsize=8)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ---
# # D. 誰の顔か
#
# ## 問 9. 顔を覚える (9 点)
#
# 「顔だ」と分かることと、「**誰か**」が分かることは別の問題です。相貌失認は後者の障害です。
#
# ここでは *学習さえしません*。一人につき 1 枚 (または 5 枚) の写真の特徴を「名簿」 (gallery) に書きとめておき、
# 新しい写真 (probe) が来たら、名簿の中で一番よく似た写真を探します。記憶の心理学でいう **事例モデル** (exemplar model) です。
#
# - 似ている度合いは、特徴のなす角の **コサイン類似度** で測ります
#
#   $$\cos(\boldsymbol f, \boldsymbol g) = \frac{\boldsymbol f^\top \boldsymbol g}{\lVert \boldsymbol f \rVert\, \lVert \boldsymbol g \rVert}$$
#
# - 一番似ている写真の人を答えます。一人に何枚あっても、平均はせず、一枚ずつ比べます
# - ただし、その類似度が `threshold` **より小さければ**、「知らない人」として **−1** を答えます
#   (名簿にない人を、だれかと取りちがえないためです)

# %% [markdown] tags=["lang-en"]
# ---
# # D. Whose face?
#
# ## Question 9. Remembering faces (9 points)
#
# To see that it is a face and to see **whose** are two things; prosopagnosia takes away the second. Here nothing is even
# *trained*: note the features of one (or five) pictures of each person in a **gallery**, and for a new picture (**probe**)
# find the most similar picture in it (in memory research: an **exemplar model**). Similarity is the cosine (formula above).
# Answer the person of the most similar picture; compare with each picture by itself, do not average. If that similarity is
# **less than** `threshold`, answer **−1**: somebody unknown.


# %% nbgrader={"grade": false, "grade_id": "identify", "locked": false, "schema_version": 3, "solution": true, "task": false}
def identify(gallery, person, probes, threshold):
    """名簿の中で一番似た顔の人を答える / the person of the most similar picture in the gallery.

    gallery   : (m, d) の配列。名簿の特徴。長さはまちまち / features, of any length
    person    : (m,) 整数の配列。名簿のそれぞれが誰か。番号はとびとびでも、順不同でもよい / who; any numbers, any order
    probes    : (n, d) の配列。知りたい写真の特徴 / features of the pictures in question
    threshold : コサイン類似度がこれより小さければ「知らない人」/ less similar than this: somebody unknown
    返り値 / returns : (n,) 整数。人の番号、知らない人なら -1 / persons, -1 for somebody unknown
    """
    ### BEGIN SOLUTION
    similarity = unit(probes) @ unit(gallery).T
    return np.where(similarity.max(axis=1) < threshold, -1, person[similarity.argmax(axis=1)])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-identify", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

gallery, person = np.array([[1.0, 0], [0, 5], [3, 3]]), np.array([7, 4, 7])
result = identify(gallery, person, np.array([[10.0, 1], [0.1, 2], [2, 1.9]]), 0.0)
assert_close(
    result, [7, 4, 7], "identify", hint="番号ではなく人を答えます。長さで割りましたか / persons; divide by the lengths"
)
### BEGIN HIDDEN TESTS
from sklearn.neighbors import KNeighborsClassifier

for seed, m, n, d, noise in [
    (1901, 12, 15, 4, 0.5),
    (1902, 30, 9, 6, 1.0),
    (1903, 5, 40, 3, 0.8),
    (1904, 40, 40, 2, 1.0),
]:
    rng = np.random.default_rng(seed)
    numbers = rng.choice(90, 6, replace=False)
    faces_of = rng.standard_normal((90, d)) + 0.5
    person = rng.permutation(np.resize(numbers, m))
    # lengths differ by a factor of 100: the inner product alone, and the distance alone, choose others
    gallery = (faces_of[person] + noise * rng.standard_normal((m, d))) * 10 ** rng.uniform(-1, 1, (m, 1))
    probes = faces_of[rng.choice(numbers, n)] + noise * rng.standard_normal((n, d))
    probes *= 10 ** rng.uniform(-1, 1, (n, 1))
    right = KNeighborsClassifier(n_neighbors=1, metric="cosine").fit(gallery, person).predict(probes)
    result = identify(gallery.copy(), person.copy(), probes.copy(), -1.0)
    assert_close(
        result,
        right,
        f"identify (m={m}, n={n})",
        hint="名簿と写真の両方を、長さで割りましたか。平均していませんか / both lengths? no averages?",
    )
# float32, as the network gives them: the probe is a blend of two in the gallery
gallery = np.eye(4, 5, dtype=np.float32)
probes = np.float32([[0.6, 0, 0, 0.8, 0], [0, 0.9, 0.2, 0, 3]])
result = identify(gallery, np.array([40, 30, 20, 10]), probes, 0.0)
assert_close(result, [10, 30], "identify (float32)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-identify-unknown", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

gallery, person = np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([3, 8])
result = identify(gallery, person, np.array([[0.0, 1, 0], [0, 0.1, 1], [-1, -1, 0]]), 0.5)
assert_close(result, [8, -1, -1], "identify", hint="似ていなければ -1 / not similar: -1")
### BEGIN HIDDEN TESTS
for seed, threshold in [(1911, 0.9), (1912, 0.3), (1913, -0.2), (1914, 0.7)]:
    rng = np.random.default_rng(seed)
    gallery, person = rng.standard_normal((9, 5)), rng.permutation(60)[:9]
    probes = rng.standard_normal((60, 5)) * rng.uniform(0.1, 10, (60, 1))
    right = []
    for probe in probes:
        angles = [np.dot(probe, g) / (np.sqrt(np.dot(g, g)) * np.sqrt(np.dot(probe, probe))) for g in gallery]
        right.append(person[np.argmax(angles)] if max(angles) >= threshold else -1)
    result = identify(gallery.copy(), person.copy(), probes.copy(), threshold)
    assert_close(result, right, f"identify (threshold={threshold})", hint="似ていなければ -1 / not similar: -1")
# lengths are powers of two, so the cosine is exactly 1: not less than the threshold
gallery, person = np.array([[0.0, 4, 0], [2, 0, 0]]), np.array([0, 5])
result = identify(gallery, person, np.array([[0.0, 0.5, 0], [8, 0, 0]]), 1.0)
assert_close(result, [0, 5], "identify", hint="threshold と等しければ、知っている人です / equal to it: not unknown")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# ORL の 40 人を覚えさせます。名簿は 1 枚目だけ、または 1〜5 枚目。試すのは 6〜10 枚目の 200 枚で、でたらめなら 1/40 = 2.5 % です。
# さらに、**さかさまの顔** でも試します。人間は、さかさまの顔の識別が極端に苦手です (**倒立効果**, Yin, 1969)。

# %% [markdown] tags=["lang-en"]
# The 40 persons of ORL. The gallery holds each person's first picture, or the first five; probes are the last five, 200 in
# all; chance is 2.5 %. Then the same with **upside-down faces**, at which humans are strikingly bad (the **inversion effect**;
# Yin, 1969).

# %%
is_probe = faces.shot >= 5
pixels = unit(faces.images.reshape(400, -1))
for name, known_rows, probe_rows in (
    ("画素 / pixels", pixels, pixels),
    ("特徴 / features", face_features, face_features),
    ("特徴、どちらもさかさま / both upside down", upside_features, upside_features),
    ("特徴、名簿は正立、写真はさかさま / upright gallery, inverted probes", face_features, upside_features),
):
    print(name)
    for n_each in (1, 5):
        in_gallery = faces.shot < n_each
        answer = np.asarray(identify(known_rows[in_gallery], faces.person[in_gallery], probe_rows[is_probe], -1.0))
        n_correct = int(np.sum(answer == faces.person[is_probe]))
        low, high = wilson_interval(n_correct, 200)
        print(f"    一人 {n_each} 枚 / each: {n_correct / 200:.1%}  [{low:.1%}, {high:.1%}]")

# %% [markdown] tags=["lang-ja"]
# 知らない人を断れるでしょうか。30 人だけを 5 枚ずつ名簿に載せ、残りの 10 人は **知らない人** とします。
# しきい値を上げると、知らない人を断れるかわりに、知っている人まで断ってしまいます。スマートフォンの顔認証も、この綱引きをしています。

# %% [markdown] tags=["lang-en"]
# Can it refuse strangers? Thirty persons are in the gallery with five pictures each, ten are **strangers**. A higher threshold
# refuses more strangers, and more friends. Face locks of telephones live with this trade-off.

# %%
in_gallery = (faces.shot < 5) & (faces.person < 30)
friend = faces.person[is_probe] < 30
print("しきい値 / threshold   知人を正しく / friends right   他人を受け入れ / strangers accepted")
for threshold in (0.7, 0.8, 0.85, 0.9, 0.95):
    answer = np.asarray(
        identify(face_features[in_gallery], faces.person[in_gallery], face_features[is_probe], threshold)
    )
    right = np.mean(answer[friend] == faces.person[is_probe][friend])
    print(f"{threshold:12.2f} {right:26.0%} {np.mean(answer[~friend] >= 0):26.0%}")

# %% [markdown] tags=["lang-ja"]
# ## 図: だれとまちがえたか (6 点)
#
# 名簿に一人 1 枚 (`faces.shot == 0`) だけを載せ、6〜10 枚目の 200 枚 (`faces.shot >= 5`) を特徴 (`face_features`) で識別させたとき、
# **まちがえた写真** のうち、 *ちがう人の* 写真を 8 枚選んで (一人につき 1 枚まで)、次の 3 段を並べた図を作ってください。
#
# 1. まちがえた写真
# 2. ネットワークが「この人だ」と答えた人の、名簿の写真
# 3. 正解の人の、名簿の写真
#
# あわせて、200 枚のうち何枚まちがえたかを `print` してください。
# 道具は `show_images(..., columns=8, row_labels=[...], value_range=(0, 1))` です。
# 段の名前を必ず付け、できた図を **よく見て** ください。この図は人が採点します。

# %% [markdown] tags=["lang-en"]
# ## The picture: mistaken for whom? (6 points)
#
# Gallery: one picture each (`faces.shot == 0`); probes: the 200 pictures with `faces.shot >= 5`; features: `face_features`.
# From the **mistakes** take eight of *different persons* (at most one of each) and show three labelled rows: the picture; the
# gallery picture of the person it was taken for; the gallery picture of the right person. Print how many of the 200 were wrong.
# Tool: `show_images(..., columns=8, row_labels=[...], value_range=(0, 1))`. A person marks this one.

# %% nbgrader={"grade": true, "grade_id": "mistakes-panel", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
first, last = np.flatnonzero(faces.shot == 0), np.flatnonzero(faces.shot >= 5)
similarity = face_features[last] @ face_features[first].T
answer = faces.person[first][similarity.argmax(axis=1)]
wrong = np.flatnonzero(answer != faces.person[last])
print(f"200 枚のうち {len(wrong)} 枚をまちがえた")
_, one_each = np.unique(faces.person[last][wrong], return_index=True)
some = wrong[one_each[:8]]
show_images(
    np.concatenate(
        [faces.images[last[some]], faces.images[first[answer[some]]], faces.images[first[faces.person[last][some]]]]
    ),
    columns=8,
    row_labels=["写真", "答え", "正解"],
    value_range=(0, 1),
)
plt.show()
# === BEGIN MARK SCHEME ===
# 2 点: 3 段 x 8 人が正しい順に並び、段の名前が付いている (名前がなければ 1 点。同じ人が二度出ていれば 1 点)。
# 2 点: 「答え」の段が本当にネットワークの答え (名簿の写真) で、どの列でも「正解」とちがう人になっている。
# 2 点: まちがえた枚数 (47 枚) が表示されている。1〜5 枚目まで名簿に入れた (10 枚) など、条件がちがえば 1 点。
# === END MARK SCHEME ===
### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## 記述 2 (6 点)
#
# 1. 上の図をよく見てください。ネットワークは、顔の何を手がかりにしているようですか。人間の手がかりと同じでしょうか。
# 2. さかさまの顔の結果を、人間の **倒立効果** と比べてください。「どちらもさかさま」にしたときの正解率の下がり方は、人間に似ていますか。
#    このネットワークが *物* しか学んでいないことと、どう関係すると思いますか。
# 3. この演習の結果は、「FFA は生まれつきの顔専用の装置だ」という説と、「経験による熟達の装置だ」という説の、どちらを支持しますか。
#    また、このモデルの結果だけからは言えないことを一つ挙げてください。
#
# 全部で 6〜12 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 2 (6 points)
#
# (1) Look at the picture above. What does the network seem to go by? Do people go by the same? (2) Compare the upside-down
# results with the human **inversion effect**: when both are upside down, does accuracy fall as it does in people? What has
# that to do with a network that only learnt *things*? (3) Do the results speak for the FFA as an innate device for faces, or
# as a device of experience? Name one thing that this model cannot tell. Six to twelve lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-fusiform", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 顔の向きや傾き、輪郭、髪形、明るさ、口ひげのような、全体の見た目が似た写真をまちがえている。眼鏡をかけた同じ人を別人とし、
#    顔の向きの似た別人を選んでいる。同じ一枚が何人分もの「答え」になってもいる。
#    人間は、目・鼻・口の形とその配置を手がかりにし、眼鏡や向きが変わっても、よく知った人ならまちがえない。
# 2. 人間では、写真を両方さかさまにしても、識別は大きく悪くなる。このネットワークは、両方さかさまなら 1 枚で 76.5 → 65.5 %、
#    5 枚で 95.0 → 93.0 % と、少ししか下がらない。正立の顔だけを特別に処理する経験をしていないので、顔も「模様の一つ」として見ている。
#    (名簿は正立、写真はさかさまだと 10 % 台になるのは、向きがちがえば別の模様だからで、倒立効果とは別の話である。)
# 3. 顔を一度も教わらない目でも、数枚で顔を見分けられたので、顔専用の装置が生まれつき必要だとは言えない (熟達説に有利)。
#    しかし倒立効果が弱く、人間のような顔の処理になっていないので、顔の経験 (または専用の仕組み) が加わるはずである。
#    言えないこと: 脳が実際にそうなっているか。生まれたばかりの赤ちゃんが顔らしい形を好むこと。ImageNet の写真にも人の顔が写り込んでいること。
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): 図に写っている手がかり (向き、輪郭、髪、眼鏡、明るさなど) を具体的に挙げていれば 1 点。人間とのちがいに 1 点。
# 2 (2 点): 「どちらもさかさま」の数値を読み、下がり方が小さいと述べていれば 1 点。物だけを学んだこと (正立の顔の経験がない) との関係に 1 点。
#    「正立の名簿・さかさまの写真」の数値だけで「人間と同じだ」とした答えは 0 点。
# 3 (2 点): どちらかの説と結果を理由をつけて結びつけていれば 1 点 (どちらの説でもよい)。モデルから言えないことに 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## おわりに
#
# - 1000 種類の *物* だけを学んだ目の上に、一層の読み出しを付けただけで、20 枚の写真から「顔か」が、1 枚の写真から「誰か」が
#   かなり分かりました。顔の知識は、顔を教わる前の目の中に、もう大部分できていたのです
# - 写真が少ないときは、目を動かさない **転移学習** のほうが安全です。**ファインチューニング** は強力ですが、学習率を誤ると、
#   一回の更新で、120 万枚から学んだことを忘れてしまいます。ゼロからの学習には、20 枚は少なすぎました
# - 成績は、分け方 (**漏れ**)、枚数 (**信頼区間**)、場所 (**ドメインシフト**) を添えて、はじめて意味をもちます
# - そして、この目では、名簿も写真もさかさまにしたときの正解率の下がり方が、小さなものでした
#   (ただし、正立の名簿とさかさまの写真は、ほとんど結びつきません)。人間の顔の見方に似せるには、何を経験させればよいのでしょうか。
#   物で学んだネットワークと顔で学んだネットワークを比べる研究が、今まさに FFA のモデルとして行われています
#
# 提出の前に、メニューの「カーネルを再起動し、すべてのセルを実行」で、上から下まで通ることを確かめてください。

# %% [markdown] tags=["lang-en"]
# ## To end with
#
# An eye that learnt 1000 kinds of *things*, with one layer on top, tells faces from other things after 20 pictures, and quite
# often whose face it is after one. With few pictures **transfer learning** is the safe way; **fine-tuning** is powerful, but at
# the wrong learning rate a single update forgets what 1.2 million pictures taught; from scratch, 20 pictures are too few. A
# result means something only together with its split (**leak**), its number (**confidence interval**) and its place
# (**domain shift**). And with gallery and probes both upside down this eye loses little (though upright and inverted pictures of one person are
# hardly matched): what would it have to experience to see faces as people do?
# Networks trained on things and networks trained on faces are being compared as models of the FFA right now. Before you hand
# in: restart the kernel and run all cells.
