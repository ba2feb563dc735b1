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
# # 脳の最初のフィルタ — 畳み込み・エッジ・特徴点
#
# 1958 年、ヒューベルとウィーゼルは、ネコの第 1 次視覚野 (V1) の細胞一つの音を聞いていました。
# スクリーンに小さな点を映しても、細胞はほとんど黙ったままです。何時間もたったころ、ガラスのスライドを
# 差しかえた瞬間に、細胞は機関銃のように鳴りだしました。
# 細胞が答えていたのは点ではなく、スライドの **縁がスクリーンに落とした、細い影の線** だったのです。
# しかも、線の傾きを変えると、音は止みました。
#
# 細胞一つの仕事は、一行の式で書けます。網膜の一部分 (**受容野**) の明るさ $I$ に重み $w$ をかけて足すだけです。
#
# $$r = \sum_{i,j} w(i, j)\, I(i, j)$$
#
# 同じ重みの細胞が視野全体に敷きつめられていれば、脳は画像に **フィルタ** をかけていることになります。
# 第 8 回の講義の「畳み込み演算による第 1 次視覚野の対応物」とは、このことです。
#
# | 脳 | 重みの形 | 計算 | この演習 |
# |---|---|---|---|
# | 網膜の神経節細胞、外側膝状体 (LGN) | 丸い中心と、逆向きの周辺 | ガウス関数の差 (DoG) | 問 3・4 |
# | V1 の単純細胞 | ある傾きの縞 | ガボールフィルタ | 問 5・6 |
# | V1 の複雑細胞 | 縞の位置を問わない | エネルギーモデル | 問 6、図 |
# | — (コンピュータビジョン) | 輪郭、角、特徴点 | Canny、Harris、SIFT・ORB | 問 7〜9 |
#
# 最後に、**横から光の当たった顔** がだれかを、写真の明るさそのものと、あなたの作った V1 とで当てくらべます。

# %% [markdown] tags=["lang-en"]
# # The brain's first filters: convolution, edges, key points
#
# In 1958 Hubel and Wiesel listened to a single cell in the primary visual cortex (V1) of a cat. Spots of light on the
# screen left it nearly silent. After hours, as they changed a glass slide, the cell went off like a machine gun. It had
# not answered to the spots but to **the thin shadow of the slide's edge**; and only at one orientation.
#
# What such a cell does is one line: weights $w$ times the brightness $I$ in a patch of the retina (its **receptive
# field**), summed up. With equal cells all over the visual field, the brain applies a **filter** to the picture.
#
# | brain | shape of the weights | computation | here |
# |---|---|---|---|
# | ganglion cells of the retina, lateral geniculate nucleus (LGN) | round centre, opposite surround | difference of Gaussians (DoG) | questions 3, 4 |
# | simple cells of V1 | stripes of one orientation | Gabor filter | 5, 6 |
# | complex cells of V1 | stripes, wherever they lie | energy model | 6, picture |
# | — (computer vision) | contours, corners, key points | Canny, Harris, SIFT, ORB | 7 to 9 |
#
# In the end you will say **who a face lit from the side is**: once from its raw brightness, once with your own V1.

# %% [markdown] tags=["lang-ja"]
# ## 進め方
#
# | | 内容 | 配点 | 目安 |
# |---|---|---|---|
# | A | 網膜まで: 白黒、畳み込み、なめらかにする、中心と周辺 (問 1〜4) | 38 | 60 分 |
# | B | V1: 勾配、ガボールと単純細胞・複雑細胞 (問 5・6、図、記述 1) | 29 | 45 分 |
# | C | 機械の目: Canny、Harris、特徴点の対応 (問 7〜9、記述 2) | 33 | 60 分 |
#
# - 解答するのは `# YOUR CODE HERE` と書かれたセルだけです。`raise NotImplementedError()` を消して書きます。
#   一つのセルに関数が二つ三つある問題では、それぞれに書いてください。記述の答えは `YOUR ANSWER HERE` と書かれたセルに書きます。
# - セルは上から順に実行します。まだ答えていない問題のセルは `NotImplementedError` で止まりますが、故障ではありません。
# - 解答のすぐ下の **テストのセル** を実行して、何も表示されなければ合格です。
#   採点のときには、ここに見えないテスト (ほかの入力、極端な入力) も加わります。
# - どの問題も前の問題とは別に採点されます。行きづまったら、とばして先に進んでかまいません。
#   自分の前の答えも、NumPy・SciPy・OpenCV・scikit-image の関数も、使ってかまいません (前の答えがまちがっていれば、
#   それを使った答えもまちがいになります)。ただし、まずは自分の手で書き、ライブラリは答え合わせに使うことをすすめます。
#
# この演習の約束: 画像は `image[行, 列]`、行は **下** へ、列は **右** へ増えます。 $x$ は列、 $y$ は行の方向です。角度は **度** で表します。
# 画像やカーネルは NumPy の配列で渡されます。返すほうは、配列・リスト・テンソルのどれでもかまいません。

# %% [markdown] tags=["lang-en"]
# ## How it works
#
# Part A (up to the retina, questions 1–4, 38 points), part B (V1, 5–6, a picture and a written one, 29), part C (a
# machine's eye, 7–9 and a written one, 33). Write only where it says `# YOUR CODE HERE`, in place of
# `raise NotImplementedError()`; some cells hold two or three functions. The test cell below each answer says nothing when all
# is well; marking adds tests that you cannot see. A question without an answer stops with `NotImplementedError`;
# nothing is broken. Every question is marked on its own, so skip what you are stuck on. You may use your earlier
# answers and whatever NumPy, SciPy, OpenCV and scikit-image offer; but an earlier answer that is wrong makes the later
# one wrong, too, and you will learn more if you write it yourself first and let the libraries check it. Written answers
# go where it says `YOUR ANSWER HERE`.
#
# Conventions: `image[row, column]`, rows grow **downward**, columns to the **right**; $x$ is the direction of columns, $y$
# that of rows. Angles are in **degrees**. Pictures and kernels come as NumPy arrays; return arrays, lists or tensors.

# %% nbgrader={"grade": false, "grade_id": "imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
import cv2
import matplotlib.pyplot as plt
import matplotlib_fontja
import numpy as np
import scipy.ndimage as ndi
import scipy.signal  # 最初の一回だけ遅いので、ここで読んでおく / slow the first time only
import torch

from facelab import load_faces, load_photos, show_images

matplotlib_fontja.japanize()  # 図の中で日本語を使う / Japanese in figures

# %% [markdown] tags=["lang-ja"]
# ## まず見る
#
# コンピュータにとって、画像は数の表です。下の左は、ある目のまわりを拡大したもので、0 が黒、255 が白です。
# 「まぶたの線」も「瞳」も、どこにも書いてありません。数の **変わり方** から見つけだすしかないのです。
#
# 右の二枚は同じ写真です。カラー画像は (高さ, 幅, 3) の配列ですが、3 つの色の **順番** は決まっていません。
# OpenCV (`cv2.imread`) は **青・緑・赤 (BGR)** の順で読み、matplotlib は **赤・緑・青 (RGB)** の順で描きます。
# まちがえると、どうなるか。顔の色を見てください。

# %% [markdown] tags=["lang-en"]
# ## Look first
#
# To a computer a picture is a table of numbers (0 black, 255 white). Left: the surroundings of an eye. Nowhere does it say
# "eyelid" or "pupil"; all there is are **changes** of numbers. The two pictures on the right are the same photo. Colour
# pictures are arrays (height, width, 3), and the **order** of the three is a matter of taste: OpenCV (`cv2.imread`) reads
# **blue, green, red (BGR)**, matplotlib draws **red, green, blue (RGB)**. See what happens when they are mixed up.

# %% nbgrader={"grade": false, "grade_id": "pictures", "locked": true, "schema_version": 3, "solution": false, "task": false}
photos = load_photos(["astronaut"])
portrait = cv2.cvtColor(photos["astronaut"][20:220, 120:320], cv2.COLOR_RGB2BGR)  # (200, 200, 3) 青・緑・赤 / BGR

originals = load_faces(size=None)
face = originals.images[90]  # (112, 92) 0 (黒) から 1 (白) / 0 black, 1 white
print(originals.credit)
print(photos.credit)

figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), width_ratios=[1.3, 1, 1], layout="constrained")
eye = originals.to_uint8()[90, 59:71, 14:30]
axes[0].imshow(eye, cmap="gray", vmin=0, vmax=255)
for (row, column), value in np.ndenumerate(eye):
    axes[0].text(column, row, value, ha="center", va="center", fontsize=6, color="w" if value < 110 else "k")
axes[0].set_title("数の表としての目 / an eye as numbers")
axes[1].imshow(portrait)
axes[1].set_title("BGR のまま / as it is, BGR")
axes[2].imshow(portrait[:, :, ::-1])
axes[2].set_title("RGB に直す / turned into RGB")
for axis in axes:
    axis.axis("off")
plt.show()


# %% nbgrader={"grade": false, "grade_id": "data-for-later", "locked": true, "schema_version": 3, "solution": false, "task": false}
def grating(size, wavelength, theta, phase):
    """問 6 で使う縞模様 (size, size)、値は -1〜1 / a grating for question 6: values from -1 to 1.

    wavelength: 縞の周期 (画素)、theta: 縞を横切る向き (度)、phase: 縞の位置 (度)
    """
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    across = x * np.cos(np.radians(theta)) + y * np.sin(np.radians(theta))
    return np.cos(2 * np.pi * across / wavelength + np.radians(phase))


# 問 3 のあとで使う: ごま塩雑音 / after question 3: salt and pepper
rng = np.random.default_rng(2)
dice = rng.random(face.shape)
noisy = np.where(dice < 0.06, 0.0, np.where(dice > 0.94, 1.0, face))

# 問 9 のあとで使う: 顔と、それを 40 度まわして 1.3 倍にしたもの / after question 9: a face, and the same turned and larger
scene = cv2.resize(originals.to_uint8()[90], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)  # (224, 184)
turn = cv2.getRotationMatrix2D((92, 112), 40, 1.3)
turn[:, 2] += 176 - 92, 184 - 112  # 新しい画像の中心へ / to the middle of the new picture
turned = cv2.warpAffine(scene, turn, (352, 368), borderValue=64)

keypoints = {}  # 名前 → 位置 (n, 2) と記述子 (n, d)、元の顔と回した顔 / places and descriptors, in both pictures
for name, detector in [("SIFT", cv2.SIFT_create(100)), ("ORB", cv2.ORB_create(100))]:
    found = []
    for picture in (scene, turned):
        points, descriptors = detector.detectAndCompute(picture, None)
        if name == "ORB":
            descriptors = np.unpackbits(descriptors, axis=1)  # 32 バイトを 256 個の 0 と 1 に / bytes to bits
        found += [np.array([point.pt for point in points]), descriptors]
    keypoints[name] = found

# 最後の実験で使う: 一人 1 枚の見本と、残り 9 枚に横から光を当てたもの / for the last experiment
small = load_faces(size=32)
is_sample = small.shot == 0
side = np.where(np.random.default_rng(0).random(400) < 0.5, -1, 1)  # 光は左からか右からか / light from which side
slope = side[:, None, None] * np.linspace(-1, 1, 32)
LIGHTS = (0.0, 0.4, 0.8)
lit = {strength: np.clip(small.images * (1 + strength * slope), 0, 1) for strength in LIGHTS}

# %% [markdown] tags=["lang-ja"]
# ---
# # A. 網膜まで
#
# ## 問 1. 白黒にする (4 点)
#
# 明るさだけを取り出しましょう。人間の目は緑に敏感で、青には鈍感なので、三色を同じ重みでは足しません。
#
# $$Y = 0.299\,R + 0.587\,G + 0.114\,B$$
#
# - $R, G, B$: 赤・緑・青の値、 $Y$: 明るさ (輝度)
#
# 渡される画像は、OpenCV の順 (**BGR**) です。値の範囲 (0〜255 か 0〜1 か) は変えず、**四捨五入もしない** でください。

# %% [markdown] tags=["lang-en"]
# ---
# # A. Up to the retina
#
# ## Question 1. Black and white (4 points)
#
# Human eyes are sensitive to green and dull to blue, so brightness is $Y = 0.299\,R + 0.587\,G + 0.114\,B$. The picture
# comes in OpenCV's order, **BGR**. Keep its range (0 to 255, or 0 to 1), and do **not round**.


# %% nbgrader={"grade": false, "grade_id": "bgr-to-gray", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bgr_to_gray(picture):
    """カラー画像を明るさにする / brightness of a colour picture.

    picture : (h, w, 3) の配列。uint8 または小数、最後の軸は青・緑・赤の順 / uint8 or floats; blue, green, red
    返り値 / returns : (h, w) の小数の配列。丸めない / floats, not rounded
    """
    ### BEGIN SOLUTION
    return np.dot(picture, [0.114, 0.587, 0.299])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-bgr-to-gray", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 真っ赤な 1 画素は、BGR では (0, 0, 255) / one pixel of pure red
assert_close(
    bgr_to_gray(np.array([[[0, 0, 255]]], dtype=np.uint8)),
    [[76.245]],
    "bgr_to_gray (赤 / red)",
    hint="最後の軸は青・緑・赤の順です。丸めないでください / the order is blue, green, red; do not round",
)
assert_close(bgr_to_gray(np.ones((2, 3, 3))), np.ones((2, 3)), "bgr_to_gray (白 / white)")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1201)
for shape in [(4, 7, 3), (6, 2, 3), (3, 3, 3)]:
    picture = rng.random(shape, dtype=np.float32)
    right = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    # OpenCV works in float32 with relative precision 1e-7
    assert_close(bgr_to_gray(picture.astype(float)), right, "bgr_to_gray", atol=1e-5)
    assert_close(bgr_to_gray(picture.copy()), right, "bgr_to_gray (float32)", atol=1e-5)
picture = rng.integers(0, 256, (5, 4, 3)).astype(np.uint8)
right = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_BGR2GRAY)
assert_close(
    bgr_to_gray(picture.copy()),
    right,
    "bgr_to_gray (uint8)",
    atol=1e-3,
    hint="小数で計算し、丸めずに返してください / work with floats and do not round",
)
### END HIDDEN TESTS

# %%
gray = np.array(bgr_to_gray(portrait))
mistaken = np.array(bgr_to_gray(portrait[:, :, ::-1].copy()))  # RGB を BGR と思いこむ / RGB taken for BGR
show_images(
    [gray / 255, mistaken / 255, 0.5 + 5 * (mistaken - gray) / 255],
    titles=[
        "正しい順\nright order",
        "RGB と取りちがえ\norder mixed up",
        "その差の 5 倍 (灰色が 0)\n5 × difference, grey is 0",
    ],
    value_range=(0, 1),
    inches=2.0,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# 取りちがえると、肌や赤い唇は暗くなります。白黒にしてしまうと、**見ても気づきにくい** まちがいです。
#
# ## 問 2. 相互相関と畳み込み (13 点)
#
# 重みの表 (**カーネル**) を画像の上でずらしながら、かけて足していきます。
#
# $$\text{相互相関}\quad r(y, x) = \sum_{i,j} w(i, j)\, I(y + i,\, x + j)
# \qquad\quad
# \text{畳み込み}\quad c(y, x) = \sum_{i,j} w(i, j)\, I(y - i,\, x - j)$$
#
# - $i, j$ はカーネルの **中心を 0** として数えます。3×5 のカーネルなら $i = -1, 0, 1$、 $j = -2, \dots, 2$ です
# - 二つのちがいは符号だけ。畳み込みは、カーネルを **上下左右とも裏返してから** 相互相関を計算するのと同じです
# - CNN の「畳み込み層」(PyTorch の `conv2d`) や `cv2.filter2D` が実際に計算しているのは、相互相関のほうです
#
# 画像の端では、カーネルがはみ出します。どうするか (**パディング**) を `padding` で選べるようにしましょう。
# 1 行 `1 2 3 4` の外側に 2 画素ずつ足すと、次のようになります。
#
# | `padding` | 外側 | | `1 2 3 4` | |
# |---|---|---|---|---|
# | `"valid"` | 何も足さない。はみ出す位置は計算しない (出力は小さくなる) | | | |
# | `"zero"` | 0 を置く | `0 0` | `1 2 3 4` | `0 0` |
# | `"reflect"` | 端の画素を軸に折り返す (端そのものは繰り返さない) | `3 2` | `1 2 3 4` | `3 2` |
# | `"edge"` | 端の画素を繰り返す | `1 1` | `1 2 3 4` | `4 4` |
#
# `"valid"` のほかでは、足す画素は上下にカーネルの高さ // 2、左右に幅 // 2 ずつです (`stride=1` なら出力は入力と同じ大きさ)。
# **ストライド** `stride` が 2 なら、左上から数えて 2 画素おきの結果だけを返します。3 なら 3 画素おきです。
#
# <details><summary>ヒント</summary>
#
# 二重の `for` で十分です。`np.pad` の `mode` には `"constant"`、`"reflect"`、`"edge"` があります。
# uint8 のままかけ算をすると、255 を超えたところで 0 に戻ってしまいます。
#
# </details>

# %% [markdown] tags=["lang-en"]
# Mixed up, skin and red lips get darker: a mistake that is **hard to see** once everything is grey.
#
# ## Question 2. Correlation and convolution (13 points)
#
# Slide a table of weights (the **kernel**) over the picture; multiply and add (formulas above; $i, j$ count from the
# **centre** of the kernel). Convolution is correlation with the kernel turned over in **both** directions. What CNNs call
# convolution (PyTorch's `conv2d`), and `cv2.filter2D`, is correlation.
#
# At the border the kernel sticks out; **padding** says what is thought to lie there. `padding` is one of `"valid"`:
# nothing, leave out places where the kernel sticks out (the result is smaller); `"zero"`: zeros; `"reflect"`: mirrored,
# without repeating the outermost pixel (`3 2 | 1 2 3 4 | 3 2`); `"edge"`: the outermost pixel repeated. Except for
# `"valid"`, add height // 2 rows above and below and width // 2 columns left and right. The **stride** is how far the
# kernel moves: `stride` 2 gives only every second result, counted from the top left; and so on. Two `for` loops will
# do; mind uint8, which wraps round at 255.


# %% nbgrader={"grade": false, "grade_id": "correlate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def correlate2d(image, kernel, padding="zero", stride=1):
    """2 次元の相互相関 / two-dimensional correlation.

    image   : (h, w) の配列。整数 (uint8 など) でもよい / integers such as uint8 are fine
    kernel  : (kh, kw) の配列。整数でもよい。kh と kw は奇数で、ちがっていてよい
        integers are fine; odd sides, which may differ
    padding : "valid"、"zero"、"reflect"、"edge"。それ以外は ValueError / anything else: ValueError
    stride  : 1 以上の整数。何画素おきに計算するか / every how many pixels, 1 or more
    返り値 / returns : 小数の配列。stride=1 なら (h, w)、"valid" なら (h - kh + 1, w - kw + 1)
        floats; for stride 1 of shape (h, w), for "valid" (h - kh + 1, w - kw + 1)
    """
    ### BEGIN SOLUTION
    image = np.asarray(image, dtype=float)
    modes = {"zero": "constant", "reflect": "reflect", "edge": "edge"}
    if padding in modes:
        top, left = kernel.shape[0] // 2, kernel.shape[1] // 2
        image = np.pad(image, ((top, top), (left, left)), mode=modes[padding])
    elif padding != "valid":
        raise ValueError(f"unknown padding: {padding!r}")
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("yxij,ij->yx", windows[::stride, ::stride], kernel)
    ### END SOLUTION


def convolve2d(image, kernel, padding="zero", stride=1):
    """2 次元の畳み込み。引数と返り値は correlate2d と同じ / convolution; arguments and result as above."""
    ### BEGIN SOLUTION
    return correlate2d(image, np.flip(kernel), padding, stride)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-correlate", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close
from saiten.pictures import attach_pictures

image = np.arange(12.0).reshape(3, 4)
kernel = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]])  # 右隣の画素をもってくる / brings in the pixel to the right
result = correlate2d(image, kernel)
right = [[1, 2, 3, 0], [5, 6, 7, 0], [9, 10, 11, 0]]
# どこかがちがえば、結果を画像で見せる / if anything is wrong, show the result as a picture
with attach_pictures('correlate2d ("zero")', result, right, show_expected=True):
    assert_close(correlate2d(image, kernel, "valid"), [[6, 7]], 'correlate2d ("valid")')
    assert_close(
        result, right, 'correlate2d ("zero")', hint="カーネルを裏返していませんか / do you turn the kernel over?"
    )
    assert_close(
        correlate2d(np.full((1, 3), 200, dtype=np.uint8), np.array([[1, 1, 1]])),
        [[400, 600, 400]],
        "correlate2d (uint8)",
        hint="小数に直してから計算しましょう / turn the picture into floats first",
    )
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1202)
for shape, kernel_shape in [((6, 9), (3, 5)), ((8, 5), (5, 1)), ((7, 7), (3, 3)), ((2, 3), (5, 7)), ((4, 6), (1, 1))]:
    image, kernel = rng.standard_normal(shape), rng.standard_normal(kernel_shape)
    right = scipy.signal.correlate2d(image, kernel, mode="same")
    assert_close(
        correlate2d(image.copy(), kernel.copy(), "zero"), right, f"correlate2d (zero, {shape}, {kernel_shape})"
    )
    if shape[0] >= kernel_shape[0]:
        right = scipy.signal.correlate2d(image, kernel, mode="valid")
        result = correlate2d(image.copy(), kernel.copy(), padding="valid")
        assert_close(result, right, f"correlate2d (valid, {shape}, {kernel_shape})")
# small integers on both sides: their product does not fit into 16 bits
image, kernel = rng.integers(0, 256, (5, 6)).astype(np.uint8), rng.integers(-120, 121, (3, 3)).astype(np.int8)
right = ndi.correlate(image.astype(float), kernel.astype(float), mode="constant")
assert_close(correlate2d(image.copy(), kernel.copy()), right, "correlate2d (uint8, int8)")
right = ndi.correlate(image.astype(float), np.full((3, 3), 1 / 9), mode="constant")
# weights in float32 have a relative precision of 6e-8
result = correlate2d(image.copy(), np.full((3, 3), 1 / 9, dtype=np.float32))
assert_close(result, right, "correlate2d (uint8, float32)", rtol=1e-5)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-padding", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

row, kernel = np.array([[1.0, 2, 3, 4]]), np.array([[1.0, 0, 0, 0, 0]])  # 二つ左の画素 / the pixel two to the left
assert_close(
    correlate2d(row, kernel, "reflect"),
    [[3, 2, 1, 2]],
    'correlate2d ("reflect")',
    hint="端の画素そのものは繰り返しません / the outermost pixel itself is not repeated",
)
assert_close(correlate2d(row, kernel, "edge"), [[1, 1, 1, 2]], 'correlate2d ("edge")')
assert_close(
    correlate2d(np.arange(12.0).reshape(3, 4), np.array([[1.0]]), stride=2),
    [[0, 2], [8, 10]],
    "correlate2d (stride=2)",
)
try:
    correlate2d(row, kernel, padding="mirror")
except ValueError:
    pass
else:
    raise AssertionError("知らない padding には ValueError を出してください / raise ValueError for unknown padding")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1203)
names = {"zero": "constant", "reflect": "mirror", "edge": "nearest"}
for shape, kernel_shape in [((6, 9), (3, 5)), ((9, 6), (7, 1)), ((5, 8), (1, 5)), ((7, 7), (5, 3))]:
    image, kernel = rng.standard_normal(shape), rng.standard_normal(kernel_shape)
    for padding, mode in names.items():
        right = ndi.correlate(image, kernel, mode=mode)
        for stride in (1, 2, 3):
            assert_close(
                correlate2d(image.copy(), kernel.copy(), padding, stride),
                right[::stride, ::stride],
                f"correlate2d ({padding}, stride={stride}, {shape}, {kernel_shape})",
            )
# PyTorch's convolution layer does the same; "valid" with strides
image, kernel = rng.standard_normal((11, 8)), rng.standard_normal((3, 5))
for stride in (2, 4):
    right = torch.nn.functional.conv2d(torch.tensor(image)[None, None], torch.tensor(kernel)[None, None], stride=stride)
    result = correlate2d(image.copy(), kernel.copy(), "valid", stride)
    assert_close(result, right[0, 0].numpy(), f"correlate2d (valid, stride={stride})")
for padding in ("same", "constant", None):
    try:
        correlate2d(image, kernel, padding)
    except ValueError:
        pass
    else:
        raise AssertionError("知らない padding には ValueError を出してください / raise ValueError for unknown padding")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-convolve", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 一つの点を畳み込むと、カーネルがそのまま現れる / convolving a single point shows the kernel as it is
dot = np.zeros((3, 5))
dot[1, 2] = 1
assert_close(
    convolve2d(dot, np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])),
    [[0, 1, 2, 3, 0], [0, 4, 5, 6, 0], [0, 7, 8, 9, 0]],
    "convolve2d",
    hint="カーネルを上下にも左右にも裏返しましたか / is the kernel turned over in both directions?",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1204)
for shape, kernel_shape in [((6, 9), (3, 5)), ((8, 7), (5, 3)), ((4, 9), (1, 3))]:
    image, kernel = rng.standard_normal(shape), rng.standard_normal(kernel_shape)
    assert_close(
        convolve2d(image.copy(), kernel.copy()),
        scipy.signal.convolve2d(image, kernel, mode="same"),
        "convolve2d (zero)",
    )
    right = scipy.signal.convolve2d(image, kernel, mode="valid")
    assert_close(convolve2d(image.copy(), kernel.copy(), "valid"), right, "convolve2d (valid)")
    right = ndi.convolve(image, kernel, mode="mirror")[::2, ::2]
    assert_close(convolve2d(image.copy(), kernel.copy(), "reflect", 2), right, "convolve2d (reflect, stride=2)")
image = rng.integers(0, 256, (5, 6)).astype(np.uint8)
kernel = rng.integers(-5, 6, (3, 3))
right = ndi.convolve(image.astype(float), kernel, mode="nearest")[::3, ::3]
result = convolve2d(image.copy(), kernel.copy(), padding="edge", stride=3)
assert_close(result, right, "convolve2d (uint8, edge, stride=3)")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 三つのライブラリと答えをくらべます。どれが相互相関で、どれが畳み込みでしょうか。
# 下の段は、講義のノートブックにもある 4 種類の **線分のカーネル** を、顔にかけたものです。
# 線の傾きごとに、ちがう場所が明るくなります。ヒューベルとウィーゼルの細胞に、少し近づきました。

# %% [markdown] tags=["lang-en"]
# Compare with three libraries: which of them correlate, which convolve? Below, the four 3×3 **bar kernels** of the
# lecture's notebook on a face. Each orientation lights up other places: a little like Hubel and Wiesel's cells.

# %%
lopsided = np.array([[1.0, 2.0, 0.0], [0.0, 3.0, -1.0], [0.0, 0.0, 5.0]])
mine = {
    "相互相関 / correlation": np.array(correlate2d(face, lopsided)),
    "畳み込み / convolution": np.array(convolve2d(face, lopsided)),
}
as_tensor = [torch.tensor(array)[None, None] for array in (face, lopsided)]
libraries = {
    "cv2.filter2D": cv2.filter2D(face, cv2.CV_64F, lopsided, borderType=cv2.BORDER_CONSTANT),
    "ndi.convolve": ndi.convolve(face, lopsided, mode="constant"),
    "torch conv2d": torch.nn.functional.conv2d(*as_tensor, padding=1)[0, 0].numpy(),
}
for library, result in libraries.items():
    print(f"{library:13s}", *[name for name, answer in mine.items() if np.allclose(answer, result)])

bars = {
    "縦 / vertical": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
    "横 / horizontal": [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
    "右下がり / falling": [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
    "右上がり / rising": [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
}
answers = [np.maximum(np.array(correlate2d(face, np.array(bar), padding="edge")), 0) for bar in bars.values()]
show_images([face, *answers], titles=["顔 / face", *bars], value_range=(0, 1), inches=1.6)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 3. なめらかにする — ガウス、分離、メディアン (12 点)
#
# これからは、画像の外側はいつも **端の画素を繰り返す** (`"edge"`) ことにします。
# NumPy では `mode="edge"`、SciPy では `mode="nearest"`、OpenCV では `cv2.BORDER_REPLICATE` です。
#
# **(1) `gaussian_kernel1d`** 近い画素ほど重くして平均するのが、ガウスフィルタです。
#
# $$g(x) = \frac{1}{Z} \exp\Bigl(-\frac{x^2}{2\sigma^2}\Bigr), \qquad x = -R, \dots, R, \qquad R = \lceil 3\sigma \rceil$$
#
# - $\sigma$ (シグマ): ぼかしの幅 (画素)、 $\lceil\;\rceil$: 切り上げ、 $Z$: **重みの和が 1** になるように割る数、
#   $R$: 中心から何画素先まで計算するか
#
# **(2) `separate`** 2 次元のガウスは、縦と横の積 $w(i, j) = g(i)\,g(j)$ です。こう書けるカーネルを **分離可能** といい、
# 横に 1 回、縦に 1 回かければ済みます。15×15 なら、1 画素あたりのかけ算は 225 回から 30 回に減ります。
# 渡されたカーネルを、縦の列 $a$ と横の行 $b$ に分けてください ($w(i, j) = a_i b_j$)。
# $a$ を 2 倍し $b$ を半分にしても積は同じなので、積が合っていれば、どの組でもかまいません。
# 分離できなければ `ValueError` を出します (丸め誤差くらいのずれは許してください)。
#
# 考え方: 分離可能なら、どの行も $b$ の定数倍です。絶対値が一番大きい要素を含む行と列を取り出すと、どうなるでしょうか。
#
# **(3) `median_filter`** まわり `size`×`size` 画素の **中央値** に置きかえます。平均とちがい、かけ算と足し算では書けません
# (**非線形** フィルタ)。少しだけ混じった極端な値、たとえば「ごま塩雑音」に強いのが特徴です。

# %% [markdown] tags=["lang-en"]
# ## Question 3. Smoothing: Gauss, separability, median (12 points)
#
# From here on the outermost pixel is always **repeated** outside the picture: `mode="edge"` in NumPy, `mode="nearest"` in
# SciPy, `cv2.BORDER_REPLICATE` in OpenCV.
#
# (1) `gaussian_kernel1d`: weights as above for $x = -R, \dots, R$ with $R = \lceil 3\sigma \rceil$ (rounded up), divided by
# their sum. (2) `separate`: a kernel $w(i, j) = a_i b_j$ is **separable**: one pass along the rows and one along the
# columns do the work, 30 multiplications instead of 225 for 15×15. Return the column $a$ and the row $b$ (any pair with the
# right product); raise `ValueError` if there is none, but forgive rounding errors. Idea: every row is a multiple of $b$;
# take the row and the column that hold the element of largest absolute value. (3) `median_filter`: the **median** of
# the `size`×`size` pixels around. It is not linear, and strong against a few extreme values (salt and pepper).


# %% nbgrader={"grade": false, "grade_id": "smooth", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_kernel1d(sigma):
    """1 次元のガウスの重み / weights of a one-dimensional Gaussian.

    sigma : 幅 (画素)、0 より大きい / width in pixels, > 0
    返り値 / returns : (2 * R + 1,) の小数の配列、R = ceil(3 * sigma)。和は 1 / floats whose sum is 1
    """
    ### BEGIN SOLUTION
    radius = int(np.ceil(3 * sigma))
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-(x**2) / (2 * sigma**2))
    return weights / weights.sum()
    ### END SOLUTION


def separate(kernel):
    """カーネルを縦と横に分ける / take a kernel apart into a column and a row.

    kernel : (kh, kw) の配列。少なくとも一つは 0 でない / not all zeros
    返り値 / returns : (column, row)。column は (kh,)、row は (kw,) で、kernel[i, j] = column[i] * row[j]
    分けられなければ ValueError を出す / raise ValueError if that cannot be done
    """
    ### BEGIN SOLUTION
    i, j = np.unravel_index(np.argmax(np.abs(kernel)), kernel.shape)
    column, row = kernel[:, j], kernel[i] / kernel[i, j]
    if not np.allclose(np.outer(column, row), kernel):
        raise ValueError("this kernel is not separable")
    return column, row
    ### END SOLUTION


def median_filter(image, size):
    """まわり size x size 画素の中央値 / median of the size x size pixels around each pixel.

    image : (h, w) の配列。外側は端の画素を繰り返す / outside, the outermost pixel is repeated
    size  : 奇数 / an odd number
    返り値 / returns : (h, w) の配列 / an array
    """
    ### BEGIN SOLUTION
    padded = np.pad(image, size // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return np.median(windows, axis=(2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-gaussian", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

weights = as_array(gaussian_kernel1d(1.5), "gaussian_kernel1d(1.5)")
assert_close(weights.shape, (11,), "gaussian_kernel1d(1.5) の形 / shape", hint="R = ceil(3σ) です / is R = ceil(3σ)?")
assert_close(weights.sum(), 1.0, "重みの和 / sum of the weights")
assert_close(weights, weights[::-1], "左右を入れかえた重み / the weights from right to left")
### BEGIN HIDDEN TESTS
for sigma in (1.5, 0.8, 0.3, 1.0, 2.4, 5.0):
    radius = next(whole for whole in range(100) if whole >= 3 * sigma)
    # OpenCV normalises, too
    right = cv2.getGaussianKernel(2 * radius + 1, sigma, cv2.CV_64F)[:, 0]
    # 1e-9 in absolute terms, for the outermost weights are small
    result = gaussian_kernel1d(sigma)
    assert_close(
        result,
        right,
        f"gaussian_kernel1d({sigma})",
        rtol=1e-5,
        atol=1e-9,
        hint="R と σ の二乗を確かめましょう / R? σ squared?",
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-separate", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close, assert_tuple

sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
result = separate(sobel.copy())
assert_tuple(result, ("column", "row"), "separate")
assert_close(
    np.outer(as_array(result[0], "column"), as_array(result[1], "row")),
    sobel,
    "column と row の積 / column times row",
    hint="大きさを二重に数えていませんか / is the size counted twice?",
)
try:
    separate(np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]))  # ラプラシアンは分離できない / the Laplacian is not
except ValueError:
    pass
else:
    raise AssertionError("分離できないカーネルには ValueError を出してください / raise ValueError for this kernel")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1301)
cases = [
    np.outer(rng.standard_normal(rows), rng.standard_normal(columns))
    for rows, columns in [(3, 5), (7, 3), (1, 5), (5, 1)]
]
cases += [np.outer([0.0, -3, 0], [0.0, 0, 2, 0, 1]), np.outer([1.0, 0, 0, 0, 0], [0.0, 0, 1]), -np.ones((3, 3))]
cases += [np.outer([1, 2, 1], [1, 0, -1]), np.outer([0, 0, 5], [-2, 7, 0]), np.array([[-4]])]
for kernel in cases:
    result = separate(kernel.copy())
    assert_tuple(result, ("column", "row"), "separate")
    column, row = as_array(result[0], "column"), as_array(result[1], "row")
    assert_close(column.shape, kernel.shape[:1], "column の形 / shape")
    assert_close(row.shape, kernel.shape[1:], "row の形 / shape")
    assert_close(np.outer(column, row), kernel, f"column と row の積 / column times row {kernel.shape}")
for kernel in [
    rng.standard_normal((3, 5)),
    np.eye(3),
    np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1.1]]),  # nearly separable
    np.outer([1.0, -2, 1], [1.0, 2, 1]) + np.outer([0, 0, 0.2], [0.3, 0, 0]),
    np.array([[1.0, 1, 1], [1, -1, 1], [1, 1, 1]]),
    np.array([[5.0, 5], [5, -5]]),
]:
    try:
        separate(kernel.copy())
    except ValueError:
        pass
    else:
        raise AssertionError(
            "分離できないカーネルには ValueError を出してください / raise ValueError if it cannot be done"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-median", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close
from saiten.pictures import attach_pictures

# 一つだけの極端な値は消え、段はそのまま残る / a single extreme value goes, the step stays
step = np.array([[10.0, 10, 10, 90, 90, 90]] * 3)
salted = step.copy()
salted[1, 1] = 255
eyes = noisy[40:64, 20:72]
result = median_filter(eyes.copy(), 3)
right = ndi.median_filter(eyes, 3, mode="nearest")
with attach_pictures("median_filter (目のまわり / around the eyes)", result, right, show_expected=True):
    assert_close(
        median_filter(salted, 3), step, "median_filter", hint="端の画素を繰り返しましたか / is the border repeated?"
    )
    assert_close(result, right, "median_filter (目のまわり / around the eyes)")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1302)
for shape, size in [((6, 9), 3), ((9, 7), 5), ((4, 8), 7), ((5, 3), 1), ((1, 6), 3)]:
    image = rng.standard_normal(shape)
    right = ndi.median_filter(image, size=size, mode="nearest")
    assert_close(median_filter(image.copy(), size), right, f"median_filter ({shape}, size={size})")
image = rng.integers(0, 256, (8, 11)).astype(np.uint8)
for size in (3, 5):
    right = cv2.medianBlur(image, size)  # OpenCV repeats the outermost pixel here
    assert_close(median_filter(image.copy(), size), right, f"median_filter (uint8, size={size})")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 画素の 12 % をごま塩雑音で壊した顔を直します。数字は、雑音のない顔からのずれ (RMSE、階調) です。

# %% [markdown] tags=["lang-en"]
# Salt and pepper on 12 % of the pixels, cleaned in two ways. Numbers: distance from the clean face (RMSE, grey levels).

# %%
weights = np.array(gaussian_kernel1d(1.0))
cleaned = [
    ("雑音 / noise", noisy),
    ("ガウス σ = 1", cv2.sepFilter2D(noisy, cv2.CV_64F, weights, weights, borderType=cv2.BORDER_REPLICATE)),
    ("メディアン 3×3", np.array(median_filter(noisy, 3))),
]
titles = [f"{name}\n{255 * np.sqrt(np.mean((picture - face) ** 2)):.1f}" for name, picture in cleaned]
show_images(
    [face, *[picture for _, picture in cleaned]], titles=["もと / clean\n0.0", *titles], value_range=(0, 1), inches=1.7
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 4. 網膜の細胞 — 中心と周辺 (9 点)
#
# 網膜の神経節細胞は、受容野の **中心** が明るいと活動を増し、その **周辺** が明るいと活動を減らします (ON 中心型)。
# 一様に明るいだけでは、中心と周辺が打ち消しあって、ほとんど答えません。脳に送られるのは明るさではなく、明るさの **ちがい** です。
# これを表すのが、細いガウスから太いガウスを引いた **DoG** (Difference of Gaussians) です。
#
# $$\mathrm{DoG} = G_{\text{中心}} * I \;-\; G_{\text{周辺}} * I$$
#
# - $G_{\text{中心}} * I$: 画像 $I$ を $\sigma$ = `sigma_centre` でぼかしたもの。 $G_{\text{周辺}} * I$: 同じく `sigma_surround` でぼかしたもの
#
# **毎年くり返される失敗**: 画像が uint8 (0〜255 の整数) のまま引き算をすること。
# uint8 には負の数がなく、 $10 - 12$ は $-2$ ではなく **254** になります。エラーは出ません。
#
# **(1) `dog_response`** DoG をかけた結果を、負の値も含めて返してください。ぼかすには `ndi.gaussian_filter(..., mode="nearest")` や
# `cv2.GaussianBlur(..., borderType=cv2.BORDER_REPLICATE)` を使えます (ガウスを $3\sigma$ より外で打ち切るのは、どこでもかまいません)。
#
# **(2) `log_kernel`** DoG とそっくりな形が、ガウス関数のラプラシアン **LoG** (Laplacian of Gaussian) です。マーとヒルドレスは、
# 網膜は LoG で画像の 2 階微分をとっていると考えました。
#
# $$\mathrm{LoG}(x, y) = \frac{x^2 + y^2 - 2\sigma^2}{2\pi\sigma^6}\, \exp\Bigl(-\frac{x^2 + y^2}{2\sigma^2}\Bigr),
# \qquad x, y = -R, \dots, R$$
#
# 有限の大きさで切るので、和はわずかに 0 からずれます。最後に **平均を引いて、和を 0** にしてください。
# (中心が負なので、ON 中心型の細胞は LoG の符号を変えたものに当たります。)

# %% [markdown] tags=["lang-en"]
# ## Question 4. Cells of the retina: centre and surround (9 points)
#
# An ON-centre ganglion cell is excited by light in the **centre** of its receptive field and inhibited by light in the
# **surround**. Uniform light leaves it nearly silent: what goes to the brain is **differences**. The model is a narrow blur
# minus a wide one, the **DoG**. The mistake of every year: subtracting uint8 pictures, where $10 - 12$ is **254**, without
# any error.
#
# (1) `dog_response`: the DoG of a picture, negative values included. Blur by `ndi.gaussian_filter(..., mode="nearest")` or
# `cv2.GaussianBlur(..., borderType=cv2.BORDER_REPLICATE)`; cutting the Gaussian off anywhere beyond $3\sigma$ is fine.
# (2) `log_kernel`: the Laplacian of a Gaussian (formula above), nearly the same shape with the opposite sign. As it is cut
# off at $R$, its sum is not quite 0: **subtract its mean**.


# %% nbgrader={"grade": false, "grade_id": "centre-surround", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dog_response(image, sigma_centre, sigma_surround):
    """ON 中心型の細胞の答え (DoG) / response of ON-centre cells.

    image : (h, w) の配列。整数 (uint8 など) でもよい。外側は端の画素を繰り返す
        integers such as uint8 are fine; outside, the outermost pixel is repeated
    sigma_centre, sigma_surround : 中心と周辺のガウスの幅 (画素) / widths of the Gaussians in pixels
    返り値 / returns : (h, w) の小数の配列。負の値もある / floats, some negative
    """
    ### BEGIN SOLUTION
    image = np.asarray(image, dtype=float)
    centre = ndi.gaussian_filter(image, sigma_centre, mode="nearest")
    return centre - ndi.gaussian_filter(image, sigma_surround, mode="nearest")
    ### END SOLUTION


def log_kernel(sigma, radius):
    """ガウス関数のラプラシアン。和は 0 / Laplacian of a Gaussian; its sum is 0.

    sigma  : ガウスの幅 (画素)、0 より大きい / width in pixels, > 0
    radius : R。カーネルは中心から R 画素まで / the kernel reaches R pixels from its centre
    返り値 / returns : (2 * radius + 1, 2 * radius + 1) の小数の配列 / floats
    """
    ### BEGIN SOLUTION
    x = np.arange(-radius, radius + 1)
    square = x[:, np.newaxis] ** 2 + x**2
    kernel = (square - 2 * sigma**2) / (2 * np.pi * sigma**6) * np.exp(-square / (2 * sigma**2))
    return kernel - kernel.mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-dog", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close
from saiten.pictures import attach_pictures

dark_dot = np.full((15, 15), 200, dtype=np.uint8)
dark_dot[7, 7] = 0
result = dog_response(dark_dot.copy(), 1.0, 2.0)
centre, surround = (ndi.gaussian_filter(dark_dot.astype(float), sigma, mode="nearest") for sigma in (1.0, 2.0))
with attach_pictures("dog_response (暗い点 / a dark dot)", result, centre - surround, show_expected=True):
    assert_close(
        dog_response(np.full((9, 12), 0.7), 1.0, 2.0), np.zeros((9, 12)), "dog_response (一様 / uniform)", atol=1e-6
    )
    response = as_array(result, "dog_response")
    assert_close(response.shape, (15, 15), "dog_response の形 / shape")
    assert response[7, 7] < 0, (
        "暗い点の上では負のはずです。uint8 のまま引いていませんか / "
        "negative on a dark dot: do you subtract uint8 pictures?"
    )
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1401)


def blur(image, sigma):
    """An independent way: an explicit kernel, borders repeated."""
    x = np.arange(-40, 41)
    weights = np.exp(-(x**2) / (2 * sigma**2))
    padded = np.pad(image.astype(float), 40, mode="edge")
    padded = np.apply_along_axis(np.convolve, 0, padded, weights / weights.sum(), mode="valid")
    return np.apply_along_axis(np.convolve, 1, padded, weights / weights.sum(), mode="valid")


for shape, centre, surround in [((12, 17), 0.8, 2.0), ((15, 9), 1.5, 1.9), ((10, 10), 2.0, 1.0)]:
    whole, broken = rng.integers(0, 256, shape), rng.uniform(-3, 3, shape)
    hint = "uint8 のまま引くと負の値が 255 に近い値になります。端の画素は繰り返しましたか / uint8? the border?"
    for given in (whole.astype(np.uint8), whole, whole.astype(np.float32), broken):
        right = blur(given, centre) - blur(given, surround)
        # beyond 3 sigma a Gaussian has 0.3 % of its weight: in two directions, and in the worst of corners, 0.55 %
        result = dog_response(given.copy(), centre, surround)
        range_ = float(given.max()) - float(given.min())
        assert_close(result, right, f"dog_response ({shape}, {given.dtype})", atol=0.0055 * range_, hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-log", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

kernel = as_array(log_kernel(1.0, 4), "log_kernel")
assert_close(kernel.shape, (9, 9), "log_kernel(1.0, 4) の形 / shape")
assert_close(kernel.sum(), 0.0, "重みの和 / sum of the weights", hint="最後に平均を引きます / subtract the mean")
assert kernel[4, 4] < 0, "LoG の中心は負です / the centre of the LoG is negative"
### BEGIN HIDDEN TESTS
for sigma, radius in [(1.0, 4), (1.7, 5), (0.6, 1), (2.5, 10), (3.0, 2)]:
    # an independent way: second differences of the Gaussian itself, with steps so small that 1e-6 of it is right
    step = 1e-3
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)

    def gauss(x, y, sigma=sigma):
        return np.exp(-(x * x + y * y) / (2 * sigma**2)) / (2 * np.pi * sigma**2)

    right = gauss(x + step, y) + gauss(x - step, y) + gauss(x, y + step) + gauss(x, y - step) - 4 * gauss(x, y)
    right = right / step**2
    right -= right.mean()
    scale = np.abs(right).max()
    assert_close(
        as_array(log_kernel(sigma, radius), "log_kernel") / scale,
        right / scale,
        f"log_kernel({sigma}, {radius})",
        atol=1e-5,
        hint="係数と σ の指数を確かめ、平均を引きましたか / the factor, the power of σ, the mean?",
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 左の二つは、顔の DoG です。uint8 のまま引くと、負のはずのところが白く飛びます (毎年の失敗)。
#
# 右は心理学でおなじみの **マッハの帯** です。明るさの等しい帯を並べて左から見ていくと、境目の手前がより暗く、向こうがより明るく
# **見えます**。
# 画像にはない明暗が、あなたの作った DoG の答えには、たしかに現れています。

# %% [markdown] tags=["lang-en"]
# Left: the DoG of a face, and what becomes of it with uint8. Right: **Mach bands**. Each step is uniform, but you
# **see** it darker just before the next brighter one, and brighter just behind. It is not in the picture; it is in your
# DoG.

# %%
levels = np.repeat(np.linspace(60, 200, 5), 24)
staircase = np.tile(levels, (40, 1))
bands = np.array(dog_response(staircase, 1.5, 3.0))[20]
face_dog = np.array(dog_response(np.rint(255 * face).astype(np.uint8), 1.0, 2.0))

figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=[1, 1, 2.2])
axes[0].imshow(face_dog, cmap="gray", vmin=-30, vmax=30)
axes[0].set_title("DoG (灰色が 0)\ngrey is 0", fontsize=10)
axes[1].imshow(np.rint(face_dog).astype(np.int16).astype(np.uint8), cmap="gray", vmin=0, vmax=255)
axes[1].set_title("uint8 で引くと\nin uint8", fontsize=10)
axes[2].imshow(staircase, cmap="gray", vmin=0, vmax=255, extent=(0, 120, 210, 290), aspect="auto")
axes[2].plot(levels, "k", label="明るさ / brightness")
axes[2].plot(levels + 3 * bands, "C3", label="明るさ + 3 × DoG (見え方 / as seen)")
axes[2].set(xlim=(0, 120), ylim=(0, 290), xlabel="位置 (画素) / position (pixels)", title="マッハの帯 / Mach bands")
axes[2].legend(fontsize=8, loc="lower right")
for axis in axes[:2]:
    axis.axis("off")
plt.show()

# %% [markdown] tags=["lang-ja"]
# ---
# # B. 第 1 次視覚野 (V1)
#
# ## 問 5. 勾配とその向き (7 点)
#
# 明るさが一番急に増える向きと、その急さを **勾配** といいます。輪郭 (エッジ) は、勾配が大きいところです。
# **ソーベルフィルタ** は、隣どうしの差をとりながら、それと直角の向きに少しぼかします。
#
# $$G_x = \begin{pmatrix} -1 & 0 & 1 \\ -2 & 0 & 2 \\ -1 & 0 & 1 \end{pmatrix} \star I, \qquad
# G_y = \begin{pmatrix} -1 & -2 & -1 \\ 0 & 0 & 0 \\ 1 & 2 & 1 \end{pmatrix} \star I, \qquad
# \text{大きさ} = \sqrt{G_x^2 + G_y^2}, \qquad \text{向き} = \mathrm{atan2}(G_y, G_x)$$
#
# - $\star$: 相互相関。 $G_x$ は右へ行くほど明るいと正、 $G_y$ は **下** へ行くほど明るいと正です
# - 向きは度で、−180〜180。右が 0、下が 90、左が ±180、上が −90 です。 $\arctan(G_y / G_x)$ では、右と左が区別できません
# - 画像の外側は、端の画素を繰り返します

# %% [markdown] tags=["lang-en"]
# ---
# # B. The primary visual cortex (V1)
#
# ## Question 5. The gradient and its direction (7 points)
#
# The direction in which brightness grows fastest, and how fast: the **gradient**. Edges are where it is large. **Sobel**'s
# kernels (above; correlate) take differences, and blur a little at right angles. $G_x$ is positive where it gets brighter
# to the right, $G_y$ where it gets brighter **downward**. Direction in degrees from −180 to 180: right 0, down 90, left
# ±180, up −90; $\arctan(G_y / G_x)$ cannot tell left from right. Outside, the outermost pixel is repeated.


# %% nbgrader={"grade": false, "grade_id": "sobel", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sobel_gradient(image):
    """ソーベルフィルタによる勾配 / gradient by Sobel's kernels.

    image : (h, w) の配列。整数 (uint8 など) でもよい / integers such as uint8 are fine
    返り値 / returns : (magnitude, direction)。どちらも (h, w) の小数の配列 / two arrays of floats
        magnitude : 勾配の大きさ / size, direction : 勾配の向き (度) / direction in degrees
    """
    ### BEGIN SOLUTION
    image = np.asarray(image, dtype=float)
    gx = cv2.Sobel(image, cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.Sobel(image, cv2.CV_64F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    return np.hypot(gx, gy), np.degrees(np.arctan2(gy, gx))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-sobel-magnitude", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# 右へ 1 画素ごとに 10 ずつ明るくなる坂: 中では 8 × 10 / a ramp: 10 levels a pixel to the right
ramp = np.tile(np.array([0, 10, 20, 30, 40], dtype=np.uint8), (3, 1))
result = sobel_gradient(ramp.copy())
assert_tuple(result, ("magnitude", "direction"), "sobel_gradient")
assert_close(
    result[0], [[40, 80, 80, 80, 40]] * 3, "magnitude", hint="端の画素を繰り返しましたか / is the border repeated?"
)
assert_close(
    sobel_gradient(ramp[:, ::-1].copy())[0], [[40, 80, 80, 80, 40]] * 3, "magnitude (左へ明るい / to the left)"
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1501)
for shape in [(6, 9), (8, 5), (3, 3), (1, 7)]:
    image = rng.integers(0, 256, shape).astype(np.uint8)
    exact = image.astype(float)
    right = np.sqrt(ndi.sobel(exact, axis=0, mode="nearest") ** 2 + ndi.sobel(exact, axis=1, mode="nearest") ** 2)
    for given in (image.copy(), image.astype(int), exact.copy(), exact.astype(np.float32)):
        result = sobel_gradient(given)
        assert_tuple(result, ("magnitude", "direction"), "sobel_gradient")
        # float32 keeps seven digits
        assert_close(result[0], right, f"magnitude {shape}", rtol=1e-5, atol=1e-3)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-sobel-direction", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

# 下へ明るい坂と、左へ明るい坂 / ramps that get brighter downward, and to the left
ramp = np.tile(np.arange(5.0)[:, None], (1, 4))
assert_close(
    sobel_gradient(ramp)[1], np.full((5, 4), 90), "direction (下へ明るい / downward)", hint="度ですか / degrees?"
)
left = as_array(sobel_gradient(-ramp.T)[1], "direction")
assert_close(
    np.abs(left), np.full((4, 5), 180), "direction (左へ明るい / to the left)", hint="atan2 を使いましたか / atan2?"
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1502)
for shape in [(7, 10), (9, 6)]:
    image = rng.random(shape)
    gx, gy = ndi.sobel(image, axis=1, mode="nearest"), ndi.sobel(image, axis=0, mode="nearest")
    size = np.hypot(gx, gy)
    # only where the gradient is clearly away from 0; as unit vectors, for 180 and -180 degrees are the same;
    # cv2.phase is right to 0.3 degrees, which is 0.005
    clear = size > 0.3 * size.max()
    direction = np.radians(as_array(sobel_gradient(image.copy())[1], "direction"))
    assert_close(direction.shape, shape, "direction の形 / shape")
    name = f"direction {shape}"
    assert_close(
        np.cos(direction[clear]), (gx / size)[clear], name, atol=0.01, hint="右が 0 度です / right is 0 degrees"
    )
    assert_close(
        np.sin(direction[clear]), (gy / size)[clear], name, atol=0.01, hint="下が 90 度です / down is 90 degrees"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 向きを色で、大きさを明るさで表すと、顔の「線画」が現れます。あごの輪郭をたどると、色が少しずつ変わっていきます。

# %% [markdown] tags=["lang-en"]
# Direction as colour, size as brightness: the face turns into a drawing, and colours change along the chin.

# %%
magnitude, direction = (np.array(part) for part in sobel_gradient(255 * ndi.gaussian_filter(face, 1.0)))
colours = plt.cm.hsv(direction / 360 % 1)[:, :, :3] * np.clip(magnitude / 200, 0, 1)[:, :, None]
y, x = np.mgrid[-56:56, -46:46]
wheel = plt.cm.hsv(np.degrees(np.arctan2(y, x)) / 360 % 1)[:, :, :3] * (np.hypot(x, y) < 40)[:, :, None]
show_images(
    [np.repeat(np.clip(magnitude / 200, 0, 1)[:, :, None], 3, axis=2), colours, wheel],
    titles=["大きさ\nmagnitude", "向き\ndirection", "色の意味 (右が 0 度)\ncolours: right is 0°"],
    inches=2.0,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 6. 単純細胞と複雑細胞 (11 点)
#
# ヒューベルとウィーゼルの **単純細胞** は、ある傾きの、明るい帯と暗い帯が交互に並んだ受容野をもっています。
# その形をよく表すのが、縞模様にガウスの窓をかけた **ガボール関数** です。
#
# $$w(x, y) = \exp\Bigl(-\frac{u^2 + \gamma^2 v^2}{2\sigma^2}\Bigr) \cos\Bigl(\frac{2\pi u}{\lambda} + \varphi\Bigr), \qquad
# \begin{aligned} u &= x \cos\theta + y \sin\theta \\ v &= -x \sin\theta + y \cos\theta \end{aligned}$$
#
# - $x, y$: 中心を 0 とした列と行 ($-R, \dots, R$、 $R$ = `size` // 2)
# - $\theta$ (`theta`、度): 縞を **横切る** 向き。0 度なら縦縞です。 $u$ は縞を横切る向き、 $v$ は縞に沿う向きの位置
# - $\lambda$ (`wavelength`): 縞の周期 (画素)、 $\varphi$ (`phase`、度): 縞の位置 (**位相**)。0 度は中央が明るい帯、90 度は
#   そこから 4 分の 1 周期ずれて、中央が明暗の境目になる縞
# - $\sigma$ (`sigma`): 窓の幅、 $\gamma$ (`gamma`): 窓の縦横比。小さいほど縞に沿って長い
#
# 細胞の答えは、受容野と同じ大きさの刺激 $s$ に対して次のように決めます。
# 位相が 90 度ちがう二つのカーネル $w_0$ (偶) と $w_{90}$ (奇) を使います。
#
# $$r_0 = \sum_{i,j} w_0\, s, \quad r_{90} = \sum_{i,j} w_{90}\, s, \qquad
# \text{単純細胞} = \max(r_0, 0), \qquad \text{複雑細胞} = \sqrt{r_0^2 + r_{90}^2}$$
#
# - 発火の回数は負にならないので、単純細胞の答えは 0 で切ります (**半波整流**。CNN の ReLU と同じです)
# - 複雑細胞の式を **エネルギーモデル** といいます。 $\cos^2 + \sin^2 = 1$ なので、縞がどこにあっても答えはほとんど変わりません
#
# <details><summary>ヒント</summary>
#
# `np.mgrid[-R : R + 1, -R : R + 1]` は $y$ と $x$ をこの順に返します。`np.cos` に渡すのはラジアンです。
# `size=1` でもエラーにならないはずです。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Question 6. Simple and complex cells (11 points)
#
# A **simple cell** has alternating bright and dark bands at one orientation: a **Gabor function**, stripes seen through
# a Gaussian window (formula above). $x, y$: column and row from the centre, $-R$ to $R$ with $R$ = `size` // 2; `theta`
# (degrees): the direction **across** the stripes, 0 for vertical stripes; `wavelength` λ: their period in pixels;
# `phase` φ (degrees): their place, 0 with a bright band in the middle, 90 a quarter of a period farther, with a border
# there; `sigma`: width of the window; `gamma`: smaller is longer along the stripes. With two kernels whose phases
# differ by 90 degrees, "even" and "odd", and a stimulus of the same size: a simple cell answers $\max(r_0, 0)$, for
# there are no negative spikes (**half-wave rectification**, CNN's ReLU); a complex cell answers $\sqrt{r_0^2 + r_{90}^2}$,
# the **energy model**: as $\cos^2 + \sin^2 = 1$, it hardly matters where the stripes lie. (`np.mgrid` gives
# $y$ first; `np.cos` wants radians.)


# %% nbgrader={"grade": false, "grade_id": "gabor-cells", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gabor_kernel(size, wavelength, theta, phase, sigma, gamma):
    """ガボール関数 / a Gabor function.

    size         : 一辺の画素数。奇数 / side in pixels, odd
    wavelength   : 縞の周期 (画素) / period of the stripes in pixels
    theta, phase : 縞を横切る向きと位相 (度) / direction across the stripes, and phase, in degrees
    sigma, gamma : 窓の幅 (画素) と縦横比 / width of the window in pixels, and its aspect ratio
    返り値 / returns : (size, size) の小数の配列 / floats
    """
    ### BEGIN SOLUTION
    y, x = np.mgrid[-(size // 2) : size // 2 + 1, -(size // 2) : size // 2 + 1]
    angle = np.radians(theta)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = -x * np.sin(angle) + y * np.cos(angle)
    window = np.exp(-(u**2 + gamma**2 * v**2) / (2 * sigma**2))
    return window * np.cos(2 * np.pi * u / wavelength + np.radians(phase))
    ### END SOLUTION


def cell_responses(stimuli, even, odd):
    """単純細胞と複雑細胞の答え / responses of a simple and a complex cell.

    stimuli   : (n, h, w) の配列。n 枚の刺激 / n stimuli
    even, odd : (h, w) の配列。位相が 90 度ちがう二つのカーネル / two kernels 90 degrees apart
    返り値 / returns : (simple, complex)。どちらも (n,)、0 以上 / two arrays (n,), not negative
        simple は even だけを使う / simple uses `even` alone
    """
    ### BEGIN SOLUTION
    even_sum = np.einsum("nij,ij->n", stimuli, even)
    odd_sum = np.einsum("nij,ij->n", stimuli, odd)
    return np.maximum(even_sum, 0), np.hypot(even_sum, odd_sum)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-gabor", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

kernel = as_array(gabor_kernel(9, 4, 0, 0, 3, 0.5), "gabor_kernel")
assert_close(kernel.shape, (9, 9), "gabor_kernel の形 / shape")
assert_close(kernel[4, 4], 1.0, "中央 / the centre")
# 縦縞: 半周期 (2 画素) 右は暗い / vertical stripes: dark half a period to the right
assert_close(
    kernel[4, 6],
    -np.exp(-4 / 18),
    "中央の 2 画素右 / 2 pixels to the right",
    hint="θ = 0 は縦縞です / vertical stripes",
)
assert_close(
    kernel[6, 4], np.exp(-1 / 18), "中央の 2 画素下 / 2 pixels below", hint="γ は 2 乗します / gamma is squared"
)
### BEGIN HIDDEN TESTS
for size, wavelength, theta, phase, sigma, gamma in [
    (9, 4.0, 30, 0, 2.0, 0.5),
    (15, 6.0, 120, 90, 3.0, 0.7),
    (11, 5.0, 90, -45, 2.5, 1.3),
    (7, 3.0, 200, 135, 1.5, 1.0),
    (21, 9.5, -20, 60, 4.0, 0.3),
    (1, 4.0, 10, 60, 2.0, 0.5),
]:
    # OpenCV's kernel is the same function, turned over in both directions
    right = cv2.getGaborKernel(
        (size, size), sigma, np.radians(theta), wavelength, gamma, np.radians(phase), ktype=cv2.CV_64F
    )[::-1, ::-1]
    assert_close(
        gabor_kernel(size, wavelength, theta, phase, sigma, gamma),
        right,
        f"gabor_kernel(size={size}, theta={theta}, phase={phase})",
        atol=1e-7,
        hint="度をラジアンに直しましたか。x と y は逆ではありませんか / radians? x and y mixed up?",
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-simple-cell", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

even = np.array([[-1.0, 2, -1]])
odd = np.array([[-1.0, 0, 1]])
stimuli = np.array([[[0.0, 1, 0]], [[1, 0, 0]], [[1, 1, 1]]])
result = cell_responses(stimuli, even, odd)
assert_tuple(result, ("simple", "complex"), "cell_responses")
assert_close(result[0], [2, 0, 0], "simple", hint="負の答えは 0 にします / negative responses become 0")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1601)
for n, h, w in [(12, 5, 7), (9, 3, 3), (1, 4, 6)]:
    stimuli, even, odd = rng.standard_normal((n, h, w)), rng.standard_normal((h, w)), rng.standard_normal((h, w))
    right = [max(float((stimulus * even).sum()), 0.0) for stimulus in stimuli]
    result = cell_responses(stimuli.copy(), even.copy(), odd.copy())
    assert_tuple(result, ("simple", "complex"), "cell_responses")
    assert_close(result[0], right, f"simple (n={n}, h={h}, w={w})")
stimuli = rng.integers(0, 256, (6, 3, 5)).astype(np.uint8)
even = rng.standard_normal((3, 5))
right = [max(float((stimulus * even).sum()), 0.0) for stimulus in stimuli]
assert_close(cell_responses(stimuli.copy(), even.copy(), even.copy())[0], right, "simple (uint8)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-complex-cell", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close, assert_tuple

even = np.array([[-1.0, 2, -1]])
odd = np.array([[-1.0, 0, 1]])
result = cell_responses(np.array([[[3.0, 3, 7]], [[7.0, 3, 3]], [[1, 1, 1]]]), even, odd)
assert_tuple(result, ("simple", "complex"), "cell_responses")
assert_close(
    result[1], [np.sqrt(32), np.sqrt(32), 0], "complex", hint="二乗の和の平方根です / root of the sum of squares"
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1603)
for n, h, w in [(12, 5, 7), (9, 3, 3), (1, 4, 6)]:
    stimuli, even, odd = rng.standard_normal((n, h, w)), rng.standard_normal((h, w)), rng.standard_normal((h, w))
    # an independent way: the absolute value of complex numbers
    right = np.abs(stimuli.reshape(n, -1) @ (even + 1j * odd).ravel())
    result = cell_responses(stimuli.copy(), even.copy(), odd.copy())
    assert_tuple(result, ("simple", "complex"), "cell_responses")
    assert_close(result[1], right, f"complex (n={n}, h={h}, w={w})")
# wherever the stripes lie: on Gabor kernels as wide as this the response changes by less than 1 %
size, wavelength, theta = 25, 6.0, 35
even, odd = (
    cv2.getGaborKernel((size, size), 4.0, np.radians(theta), wavelength, 0.8, phase, ktype=cv2.CV_64F)[
        ::-1, ::-1
    ].copy()
    for phase in (0, np.pi / 2)
)
stripes = np.stack([grating(size, wavelength, theta, phase) for phase in range(0, 360, 15)])
answer = as_array(cell_responses(stripes, even, odd)[1], "complex")
assert answer.min() > 0.98 * answer.max(), (
    "複雑細胞の答えが、縞の位置によって変わっています / the complex cell's response depends on where the stripes lie"
)
### END HIDDEN TESTS

# %%
bank = [np.array(gabor_kernel(31, 8, theta, phase, 4, 0.5)) for phase in (0, 90) for theta in range(0, 180, 30)]
show_images(
    bank,
    titles=[f"θ = {theta}°" for _ in (0, 90) for theta in range(0, 180, 30)],
    columns=6,
    row_labels=["偶 / even", "奇 / odd"],
    value_range=(-1, 1),
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 図: 方位選択性 (6 点)
#
# 電極のかわりに、あなたの関数で実験しましょう。
# 好みの向きが 45 度の細胞を作り、いろいろな傾きと位相の縞 (`grating`) を見せて、次の二つのグラフを **横に並べた図** を作ってください。
#
# 1. **方位選択性曲線** 横軸は縞の向き (縞を横切る向き $\theta$、0〜175 度、5 度おき)、縦軸は細胞の答え。
#    位相を 0〜345 度 (15 度おき) で変えたときの **最大値** を、単純細胞と複雑細胞のそれぞれについて描く
# 2. **位相への答え** 縞の向きを 45 度に固定し、横軸を位相 (0〜345 度) にして、単純細胞と複雑細胞の答えを描く
#
# - カーネルは `gabor_kernel(31, 8, 45, 0, 4, 0.5)` と `gabor_kernel(31, 8, 45, 90, 4, 0.5)`、刺激は `grating(31, 8, 向き, 位相)` です
# - どちらのグラフにも、軸の名前と凡例を付けてください。見くらべられるように、答えは複雑細胞の最大値で割ります
# - 1 の二つの曲線は、ほとんど重なります。線や印の種類を変えて、両方が見えるようにしてください
#
# 問 6 がまだなら、`cv2.getGaborKernel` と上の式で作ってかまいません。この図は人が採点します。

# %% [markdown] tags=["lang-en"]
# ## The picture: orientation tuning (6 points)
#
# An experiment without an electrode. Make a cell that prefers 45 degrees: `gabor_kernel(31, 8, 45, 0, 4, 0.5)` and the
# same with phase 90. Show it gratings, `grating(31, 8, direction, phase)` (direction: across the stripes), and draw two
# graphs **side by side**: (1) the **tuning curve**: direction 0 to 175 degrees in steps of 5 against the **largest**
# response over phases 0 to 345 (steps of 15), for the simple and the complex cell; (2) with the direction fixed at 45,
# phase against response, for both. Label the axes, add legends, and divide all responses by the complex cell's maximum.
# In (1) the two curves nearly coincide: use styles that keep both visible. A person marks this one.

# %% nbgrader={"grade": true, "grade_id": "tuning-picture", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
thetas, phases = np.arange(0, 180, 5), np.arange(0, 360, 15)
stimuli = np.array([grating(31, 8, theta, phase) for theta in thetas for phase in phases])
responses = cell_responses(stimuli, gabor_kernel(31, 8, 45, 0, 4, 0.5), gabor_kernel(31, 8, 45, 90, 4, 0.5))
responses = np.array(responses).reshape(2, len(thetas), len(phases)) / np.max(responses[1])

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
for response, name, style in zip(responses, ["単純細胞", "複雑細胞"], ["C0o-", "C3s--"], strict=True):
    left.plot(thetas, response.max(axis=1), style, mfc="none", label=name)
    right.plot(phases, response[thetas == 45][0], style, mfc="none", label=name)
left.set(xlabel="縞の向き (度)", ylabel="細胞の答え (最大 = 1)", title="方位選択性曲線", xticks=range(0, 181, 45))
right.set(xlabel="位相 (度)", ylabel="細胞の答え (最大 = 1)", title="45 度の縞の位置を変える", xticks=range(0, 361, 90))
left.legend()
right.legend()
plt.show()
# === BEGIN MARK SCHEME ===
# 2 点: 左のグラフ。45 度で最大、左右対称な山になっている (位相ごとの最大値でなく平均なら 1 点)。
# 2 点: 右のグラフ。単純細胞は半波 (0 で切れた余弦)、複雑細胞はほぼ水平の線。
# 1 点: 二つの細胞が区別でき (凡例)、同じ尺度で割ってある。
# 1 点: すべての軸に名前がある。
# === END MARK SCHEME ===
### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## 記述 1 (5 点)
#
# 1. 単純細胞の方位選択性曲線で、答えが最大値の半分になるのは、好みの向きから何度ほどずれたときですか。
#    `gamma` を 1 にして (窓を丸くして) 調べ直すと、選択性は鋭くなりますか、鈍くなりますか。それはなぜですか。
# 2. 単純細胞が一番強く答えている縞を半周期 (位相 180 度) ずらすと、単純細胞と複雑細胞の答えはそれぞれどうなりますか。
#    問 6 の式から説明してください。
# 3. ネオコグニトロンの S 細胞と C 細胞は、この二つのどちらに当たりますか。C 細胞のような細胞があると、何がうれしいのでしょうか。
#
# 全部で 5〜10 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 1 (5 points)
#
# (1) In the simple cell's tuning curve, how many degrees from the preferred direction does the response fall to half?
# With `gamma` 1 (a round window), is the tuning sharper or broader, and why? (2) Take the stripes that the simple cell
# likes best, and move them by half a period (phase 180): what happens to either cell's response? Argue with the
# formulas. (3) Which of them corresponds to the Neocognitron's S and C cells, and what is a C cell good for? Five to
# ten lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-cells", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 約 11 度 (45 度から約 34 度へ)。gamma = 1 では約 22 度に広がり、選択性は鈍くなる。窓が縞に沿って短くなるので、
#    少し傾いた縞でも、窓の中では明るい帯と暗い帯が入れかわらず、答えが打ち消しあわないからである。
# 2. 位相が 180 度ずれると縞の明暗が逆になり、r0 と r90 の符号が変わる。単純細胞は max(r0, 0) なので、最大だった答えが 0 になる。
#    複雑細胞は二乗してから足すので、符号が変わっても答えは変わらない。
# 3. S 細胞が単純細胞、C 細胞が複雑細胞に当たる。C 細胞があると、目や顔が少し動いて線の位置がずれても、
#    「その傾きの線がある」という答えが変わらない。位置のずれに強い認識の第一歩になる。
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): 半値の角度 (11 度くらい。グラフから読んだ 9〜14 度) に 1 点。gamma = 1 で鈍くなることと、
#    縞に沿った窓の長さによる理由がそろって 1 点。
# 2 (1 点): 単純細胞は符号が変わって 0 になり、複雑細胞は二乗するので変わらない。片方だけなら 0 点。
# 3 (2 点): S = 単純、C = 複雑に 1 点。位置 (位相) のずれに強い、という利点に 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ---
# # C. 機械の目
#
# ## 問 7. Canny の最後の二歩 (12 点)
#
# ソーベルの輪郭は太く、ところどころ途切れ、雑音もまじります。**Canny のエッジ検出** (1986) は、そのあとに二つの工夫を加えます。
#
# **(1) `thin_edges` — 非極大値抑制** 勾配の向きに沿った両隣とくらべて、一番大きい画素だけを残します。
#
# - 勾配の向き (度) を、一番近い 45 度の倍数にまとめます。反対向き (たとえば 0 度と 180 度、45 度と −135 度) は同じです
#
# | まとめた向き | 0 | 45 | 90 | 135 |
# |---|---|---|---|---|
# | くらべる両隣 (行, 列) | (0, ±1) | (1, 1) と (−1, −1) | (±1, 0) | (1, −1) と (−1, 1) |
#
# - 行は **下へ** 増えるので、45 度は **右下** です。数学の教科書の図とは上下が逆になります
# - 両隣の **どちらよりも小さくない** (≥) 画素は大きさをそのまま残し、ほかは 0 にします。画像の外側の大きさは 0 とします
#
# **(2) `hysteresis` — ヒステリシスしきい値** しきい値が一つでは、低いと雑音が残り、高いと輪郭が途切れます。そこで二つ使います。
#
# - `high` 以上の画素は、確かなエッジです
# - `low` 以上の画素は、確かなエッジに **つながっていれば** エッジです。つながり方は上下左右と斜めの 8 方向、
#   間に `low` 以上の画素がいくつ続いてもかまいません
#
# <details><summary>ヒント</summary>
#
# (2) は、「隣がエッジなら自分もエッジ」を、変化がなくなるまで繰り返せばできます。
# `ndi.label` (つながった部分に番号を付ける) を使うと 3 行です。斜めのつながりは `structure` で指定します。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ---
# # C. A machine's eye
#
# ## Question 7. Canny's last two steps (12 points)
#
# Sobel's edges are thick, broken and noisy. **Canny** (1986) adds two steps. (1) `thin_edges`, **non-maximum
# suppression**: round the direction to the nearest multiple of 45 degrees, opposite directions being the same (0 and 180,
# 45 and −135). Compare each pixel with its two neighbours along that direction (table above, (row, column); as rows grow
# downward, 45 degrees is **down right**). Keep the magnitude if it is **not smaller** (≥) than either, else 0. Outside the
# picture magnitudes are 0. (2) `hysteresis`: pixels of at least `high` are edges; pixels of at least `low` are edges, too,
# if they are **connected** to such a one through pixels of at least `low`, in 8 directions, however many of them. Repeat
# "next to an edge" until nothing changes, or use `ndi.label` with a `structure`.


# %% nbgrader={"grade": false, "grade_id": "canny-steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
def thin_edges(magnitude, direction):
    """勾配の向きに沿った非極大値抑制 / non-maximum suppression along the gradient.

    magnitude : (h, w) の配列。0 以上 / not negative
    direction : (h, w) の配列。度、-180〜180 / degrees, -180 to 180
    返り値 / returns : (h, w) の小数の配列。残った画素の大きさ、ほかは 0 / magnitude where kept, else 0
    """
    ### BEGIN SOLUTION
    h, w = magnitude.shape
    padded = np.pad(magnitude, 1)
    sector = np.rint(direction / 45) % 4
    thin = np.zeros((h, w))
    for number, (down, right) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        ahead = padded[1 + down : 1 + down + h, 1 + right : 1 + right + w]
        behind = padded[1 - down : 1 - down + h, 1 - right : 1 - right + w]
        kept = (sector == number) & (magnitude >= ahead) & (magnitude >= behind)
        thin[kept] = magnitude[kept]
    return thin
    ### END SOLUTION


def hysteresis(thin, low, high):
    """ヒステリシスしきい値 / hysteresis thresholding.

    thin      : (h, w) の配列 / an array
    low, high : しきい値。0 < low <= high / thresholds
    返り値 / returns : (h, w) の真偽の配列。True がエッジ / True where there is an edge
    """
    ### BEGIN SOLUTION
    labels, _ = ndi.label(thin >= low, structure=np.ones((3, 3)))
    return np.isin(labels, labels[thin >= high])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-thin", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

ridge = np.array([[1.0, 5, 3], [2, 6, 4], [1, 7, 3]])  # 縦に尾根が通っている / a ridge from top to bottom
assert_close(thin_edges(ridge, np.zeros((3, 3))), [[0, 5, 0], [0, 6, 0], [0, 7, 0]], "thin_edges (0 度 / degrees)")
assert_close(
    thin_edges(ridge, np.full((3, 3), -180)), [[0, 5, 0], [0, 6, 0], [0, 7, 0]], "thin_edges (-180 度 / degrees)"
)
assert_close(thin_edges(ridge, np.full((3, 3), 90)), [[0, 0, 0], [2, 0, 4], [0, 7, 0]], "thin_edges (90 度 / degrees)")
assert_close(
    thin_edges(ridge, np.full((3, 3), 45)),
    [[0, 5, 3], [0, 6, 0], [1, 7, 0]],
    "thin_edges (45 度 / degrees)",
    hint="45 度は右下です / 45 degrees is down right",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1701)
steps = {0: (0, 1), 45: (1, 1), 90: (1, 0), 135: (1, -1)}
for shape, levels in [((7, 10), 1000), ((9, 6), 4), ((5, 5), 3), ((1, 8), 5)]:
    size = 0.3 * rng.integers(0, levels, shape)  # few levels: many ties
    angle = rng.choice([-180, -135, -90, -45, 0, 45, 90, 135, 180], shape) + rng.choice([-22, -9, 0, 15, 22], shape)
    angle = np.where(angle > 180, angle - 360, np.where(angle < -180, angle + 360, angle))
    right = np.zeros(shape)
    for row in range(shape[0]):
        for column in range(shape[1]):
            nearest = min(steps, key=lambda to: abs((angle[row, column] - to + 90) % 180 - 90))
            neighbours = [0.0]
            for sign in (1, -1):
                there = row + sign * steps[nearest][0], column + sign * steps[nearest][1]
                if 0 <= there[0] < shape[0] and 0 <= there[1] < shape[1]:
                    neighbours.append(size[there])
            if size[row, column] >= max(neighbours):
                right[row, column] = size[row, column]
    hint = "向きのまとめ方、両隣、画像の端、等しい値を確かめましょう / rounding, neighbours, the border, ties?"
    assert_close(thin_edges(size.copy(), angle.copy()), right, f"thin_edges {shape}", hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-hysteresis", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

thin = np.array([[9.0, 5, 0, 5], [0, 0, 5, 0], [5, 0, 0, 0]])
assert_close(
    hysteresis(thin, 4, 8),
    [[1, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]],
    "hysteresis",
    hint="斜めのつながりと、何画素も先までのつながりを確かめましょう / diagonal neighbours, and long chains?",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1702)
# a snake of weak pixels, strong at one end: neighbours of neighbours of neighbours, in all directions
snake = np.zeros((9, 12))
snake[::2] = 3
snake[1, 11] = snake[3, 0] = snake[5, 11] = snake[7, 0] = 3
for place in [(0, 0), (8, 0), (8, 11), (4, 5)]:
    thin = snake.copy()
    thin[place] = 7
    assert_close(hysteresis(thin.copy(), 3, 7), snake > 0, "hysteresis (長いつながり / a long chain)")
for shape, low, high in [((12, 17), 6, 8), ((15, 9), 5, 9), ((10, 10), 7, 7), ((6, 6), 3, 50), ((8, 13), 1, 9)]:
    thin = rng.integers(0, 10, shape) * (rng.random(shape) < 0.7)  # whole numbers: values at both thresholds
    # an independent way: let the sure edges grow inside the mask
    right = ndi.binary_propagation(thin >= high, structure=np.ones((3, 3)), mask=thin >= low)
    hint = "しきい値ちょうどの画素、つながり方を確かめましょう / pixels at the thresholds, connections?"
    assert_close(hysteresis(thin.astype(float), low, high), right, f"hysteresis {shape}", hint=hint)
### END HIDDEN TESTS

# %%
smooth = ndi.gaussian_filter(255 * face, 1.3, mode="nearest")
gradient = [ndi.sobel(smooth, axis=axis, mode="nearest") for axis in (1, 0)]
magnitude, direction = np.hypot(*gradient), np.degrees(np.arctan2(gradient[1], gradient[0]))
thinned = np.array(thin_edges(magnitude, direction))
edges = np.array(hysteresis(thinned, 50, 120))
show_images(
    [magnitude / 250, thinned / 250, thinned >= 50, thinned >= 120, edges],
    titles=[
        "ソーベル\nSobel",
        "非極大値抑制\nnon-max. suppression",
        "低いしきい値\nlow threshold",
        "高いしきい値\nhigh threshold",
        "ヒステリシス\nhysteresis",
    ],
    value_range=(0, 1),
    inches=1.8,
)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 8. 角を見つける — Harris (9 点)
#
# 輪郭の途中は、どこも同じに見えます。となりの写真の「同じ場所」を見つけるには、目尻や口の端のような **角** (コーナー) が便利です。
# **Harris のコーナー検出** は、小さな窓の中の勾配が、二つの向きにばらついているかを調べます。
#
# $$M = \begin{pmatrix} A & B \\ B & C \end{pmatrix}, \quad
# A = G * (I_x^2), \quad B = G * (I_x I_y), \quad C = G * (I_y^2), \qquad
# R = \det M - k\,(\operatorname{tr} M)^2 = (AC - B^2) - k\,(A + C)^2$$
#
# - $I_x, I_y$: ソーベルフィルタの結果 (問 5 の $G_x, G_y$)。 $G *$: 幅 $\sigma$ (`sigma`) のガウスでぼかすこと
# - 平らなところでは $R \approx 0$、輪郭の上では $R < 0$、角では $R > 0$ になります。 $k$ は 0.04〜0.06 くらいの数です
# - 画像の外側は、ソーベルでもガウスでも端の画素を繰り返します。ガウスを $3\sigma$ より外で打ち切るのは、どこでもかまいません
#
# **(1) `harris_response`** 画素ごとに $R$ を計算します。
#
# **(2) `find_corners`** $R$ の山の頂上を取り出します。次の両方に当てはまる画素の (行, 列) を、 $R$ の **大きい順** に並べたリストを返してください。
#
# - $R$ が `threshold` **より大きい**
# - 上下左右 `radius` 画素ずつの正方形 (一辺 2 × `radius` + 1、画像からはみ出す分は無視) の中で、 $R$ が **一番大きい**

# %% [markdown] tags=["lang-en"]
# ## Question 8. Corners: Harris (9 points)
#
# Along an edge one place looks like the next. To find the same place in another picture, **corners** are better: there the
# gradients inside a small window point in two directions. With Sobel's $I_x, I_y$ (question 5) and a Gaussian blur of width
# `sigma`, form $A, B, C$ and $R$ as above: $R$ is about 0 on flat ground, negative on edges, positive at corners. Outside,
# the outermost pixel is repeated, both for Sobel and for the blur, which may be cut off anywhere beyond $3\sigma$.
#
# (1) `harris_response`: $R$ for each pixel. (2) `find_corners`: a list of (row, column), **largest $R$ first**, of all
# pixels whose $R$ is **greater than** `threshold` and the **largest** in the square that reaches `radius` pixels up,
# down, left and right (what lies outside the picture is ignored).


# %% nbgrader={"grade": false, "grade_id": "harris", "locked": false, "schema_version": 3, "solution": true, "task": false}
def harris_response(image, sigma, k):
    """Harris のコーナー度 R / Harris' measure of corners.

    image : (h, w) の配列。整数 (uint8 など) でもよい / integers such as uint8 are fine
    sigma : 窓の幅 (画素) / width of the window in pixels
    k     : 上の式の定数 / the constant in the formula
    返り値 / returns : (h, w) の小数の配列 / floats
    """
    ### BEGIN SOLUTION
    image = np.asarray(image, dtype=float)
    ix = cv2.Sobel(image, cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    iy = cv2.Sobel(image, cv2.CV_64F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    a, b, c = (ndi.gaussian_filter(product, sigma, mode="nearest") for product in (ix * ix, ix * iy, iy * iy))
    return a * c - b * b - k * (a + c) ** 2
    ### END SOLUTION


def find_corners(response, threshold, radius):
    """山の頂上の位置 / places of the peaks.

    response  : (h, w) の配列。同じ値はないとしてよい / no two values are equal
    threshold : これより大きい値だけを残す / keep only what is greater
    radius    : 1 以上の整数 / a whole number, 1 or more
    返り値 / returns : (行, 列) のリスト、値の大きい順。なければ空のリスト / a list of (row, column), largest first
    """
    ### BEGIN SOLUTION
    peaks = (response > threshold) & (response == ndi.maximum_filter(response, 2 * radius + 1))
    places = np.argwhere(peaks)
    return places[np.argsort(-response[peaks])].tolist()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-harris", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

square = np.zeros((16, 20))
square[8:, 10:] = 1.0  # 角は一つだけ / just one corner
response = as_array(harris_response(square, 1.5, 0.05), "harris_response")
assert_close(response.shape, (16, 20), "harris_response の形 / shape")
row, column = np.unravel_index(np.argmax(response), response.shape)
assert max(abs(row - 8), abs(column - 10)) <= 1, "R が一番大きいのは角のはずです / R should be largest at the corner"
assert response[14, 10] < 0, "輪郭の上では R は負のはずです / R should be negative on an edge"
assert_close(response[2, 3], 0.0, "平らなところ / flat ground")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1801)


def window(values, sigma):
    """An independent way to blur: an explicit kernel, borders repeated."""
    x = np.arange(-30, 31)
    weights = np.exp(-(x**2) / (2 * sigma**2))
    padded = np.pad(values, 30, mode="edge")
    padded = np.apply_along_axis(np.convolve, 0, padded, weights / weights.sum(), mode="valid")
    return np.apply_along_axis(np.convolve, 1, padded, weights / weights.sum(), mode="valid")


for shape, sigma, k in [((14, 19), 1.0, 0.05), ((17, 11), 2.0, 0.04), ((12, 12), 1.5, 0.15), ((9, 13), 1.2, 0.0)]:
    image = rng.integers(0, 256, shape).astype(np.uint8)
    exact = image.astype(float)
    ix, iy = ndi.sobel(exact, axis=1, mode="nearest"), ndi.sobel(exact, axis=0, mode="nearest")
    tensor = np.array(
        [[window(ix * ix, sigma), window(ix * iy, sigma)], [window(ix * iy, sigma), window(iy * iy, sigma)]]
    )
    eigenvalues = np.linalg.eigvalsh(np.moveaxis(tensor, (0, 1), (2, 3)))
    right = eigenvalues.prod(axis=2) - k * eigenvalues.sum(axis=2) ** 2
    scale = np.abs(right).max()
    for given in (image.copy(), image.astype(int), exact.copy(), exact.astype(np.float32)):
        # beyond 3 sigma a Gaussian has 0.3 % of its weight, which moves R by up to 2 % of its range
        result = as_array(harris_response(given, sigma, k), "harris_response") / scale
        hint = "A, B, C をそれぞれぼかしましたか。端の画素は繰り返しましたか / are A, B, C blurred? the border?"
        assert_close(result, right / scale, f"harris_response ({shape}, {given.dtype})", atol=0.02, hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-find-corners", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

hills = np.array([[9.0, 1, 2, 3, 4], [0.5, 0, 0.1, 8, 5], [0.2, 7, 0.3, 0.4, 6]])
hint = "(行, 列) の順、値の大きい順のリストです / a list of (row, column), largest value first"
assert_close(as_array(find_corners(hills, 1.5, 1), "find_corners"), [[0, 0], [1, 3], [2, 1]], "find_corners", hint=hint)
assert_close(
    as_array(find_corners(hills, 7.5, 1), "find_corners"), [[0, 0], [1, 3]], "find_corners (threshold)", hint=hint
)
assert len(find_corners(hills, 10.0, 1)) == 0, "山がなければ空のリストです / an empty list if there are no peaks"
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1802)
for shape, radius in [((9, 14), 1), ((15, 8), 2), ((20, 20), 3), ((3, 7), 4)]:
    values = rng.permutation(shape[0] * shape[1]).reshape(shape) - 30.0  # no two are equal; some are negative
    for threshold in (-31.0, 5.0, float(values.max()) - 20):
        peaks = []
        for row in range(shape[0]):
            for column in range(shape[1]):
                around = values[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1]
                if values[row, column] == around.max() and values[row, column] > threshold:
                    peaks.append((-values[row, column], row, column))
        right = [place[1:] for place in sorted(peaks)]
        result = find_corners(values.copy(), threshold, radius)
        assert len(result) == len(right), (
            f"角の数がちがいます / the number of corners is wrong ({shape}, radius={radius})"
        )
        if right:
            assert_close(as_array(result, "find_corners"), right, f"find_corners ({shape}, radius={radius})", hint=hint)
# a peak exactly at the threshold is not greater than it
values = np.array([[1.0, 0, 3, 2, 5]])
result = find_corners(values, 3.0, 1)
assert_close(
    as_array(result, "find_corners"), [[0, 4]], "find_corners (しきい値ちょうど / a peak at the threshold)", hint=hint
)
result = find_corners(values.astype(int), 0, 1)
assert_close(as_array(result, "find_corners"), [[0, 4], [0, 2], [0, 0]], "find_corners (整数 / integers)", hint=hint)
assert len(find_corners(values.copy(), 5.0, 1)) == 0, "山がなければ空のリストです / an empty list if there are no peaks"
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔の角を、強い順に 25 個。左は元の顔、右は 90 度まわした顔です。**同じ場所** が選ばれているでしょうか。

# %% [markdown] tags=["lang-en"]
# The 25 strongest corners of a face, and of the same face turned by 90 degrees. Are they **the same places**?

# %%
figure, axes = plt.subplots(1, 2, figsize=(7, 3.8))
for axis, picture, title in zip(
    axes, [face, np.rot90(face).copy()], ["もとの顔 / as it was", "90 度まわした顔 / turned"], strict=True
):
    response = np.array(harris_response(picture, 1.5, 0.05))
    corners = np.array(find_corners(response, 0.0, 4))[:25]
    axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
    axis.plot(corners[:, 1], corners[:, 0], "o", mfc="none", mec="yellow")
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 9. 同じ場所を結ぶ — 特徴点の対応 (7 点)
#
# Harris の角は、回転には強くても、**拡大** には弱い。窓の大きさを決めてしまったからです。
# SIFT はいろいろな $\sigma$ の DoG (問 4) の山を探して大きさを決め、勾配の向き (問 5) で回転を打ち消し、
# まわりの勾配を 128 個の数 (**記述子**) にまとめます。ORB は Harris で選んだ角を 256 個の 0 と 1 で表します。
#
# 二枚の写真の記述子がそろえば、あとは近いものどうしを結ぶだけです。ただし、もう一枚の写真に「同じ場所」が写っていなくても、
# 一番近いものは必ずあります。そこで **比率テスト** (Lowe, 2004) を使います。
#
# $$\text{一番近いものまでの距離} \;<\; \texttt{ratio} \times \text{二番目に近いものまでの距離}$$
#
# が成り立つときだけ結びます。まぎらわしい相手 (距離がほとんど同じもの) がいれば、結びません。
#
# - 距離は差の二乗和の **平方根** (ユークリッド距離) です
# - 記述子は uint8 のこともあります。引き算に気をつけましょう (問 4 の失敗!)

# %% [markdown] tags=["lang-en"]
# ## Question 9. The same place: matching key points (7 points)
#
# Harris' corners survive rotation, but not **scaling**: the window has a fixed size. SIFT finds the size by looking for
# peaks of DoGs (question 4) over many σ, cancels rotation by the direction of gradients (question 5), and sums up the
# surroundings in 128 numbers, a **descriptor**. ORB takes Harris corners and describes each by 256 bits. What is left is
# to join nearest descriptors of two pictures. But there is always a nearest one, even if the place is not in the other
# picture at all; hence the **ratio test** (Lowe, 2004): join only if the nearest distance is **smaller than** `ratio` times
# the second nearest. Distances are Euclidean (with the **root**). Descriptors may be uint8: mind the subtraction.


# %% nbgrader={"grade": false, "grade_id": "match", "locked": false, "schema_version": 3, "solution": true, "task": false}
def match_descriptors(first, second, ratio):
    """記述子を比率テストで結ぶ / match descriptors by the ratio test.

    first  : (n, d) の配列。一枚目の記述子 / descriptors of the first picture
    second : (m, d) の配列。二枚目の記述子、m は 2 以上 / of the second; at least 2
        どちらも uint8 でも小数でもよい / both may be uint8 or floats
    ratio  : 比率テストの定数 / the constant of the ratio test
    返り値 / returns : (i, j) のリスト、i の小さい順。first[i] に一番近い second[j] / a list of (i, j), i growing
    """
    ### BEGIN SOLUTION
    distance = np.linalg.norm(first.astype(float)[:, np.newaxis] - second, axis=2)
    nearest = np.sort(distance)
    matched = nearest[:, 0] < ratio * nearest[:, 1]
    return [(int(i), int(np.argmin(distance[i]))) for i in np.flatnonzero(matched)]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-match", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

# 0 番は (1, 0) に近く、1 番はどちらからも同じくらい遠い / number 0 has a near one, number 1 is between two
first, second = np.array([[0.0, 0], [5, 0], [9, 1]]), np.array([[10.0, 0], [1, 0]])
pairs = match_descriptors(first, second, 0.7)
hint = "(i, j) のリストです。i は first の番号、j は second の番号 / a list of (i, j)"
assert_close(as_array(pairs, "match_descriptors"), [[0, 1], [2, 0]], "match_descriptors", hint=hint)
assert len(match_descriptors(first, second, 0.05)) == 0, (
    "どれも結べなければ空のリストです / an empty list if nothing matches"
)
### BEGIN HIDDEN TESTS
from scipy.spatial import KDTree

rng = np.random.default_rng(1901)
for n, m, d in [(30, 25, 4), (12, 40, 8), (7, 2, 3), (40, 9, 2)]:
    second = rng.standard_normal((m, d)) * 3
    first = second[rng.integers(0, m, n)] + rng.standard_normal((n, d)) * rng.uniform(0.1, 2.0, (n, 1))
    distances, places = KDTree(second).query(first, k=2)
    for ratio in (0.5, 0.7, 0.9, 1.0):
        # ratios closer than 1e-9 to the border do not occur in these draws
        right = [(i, places[i, 0]) for i in range(n) if distances[i, 0] / distances[i, 1] < ratio]
        result = match_descriptors(first.copy(), second.copy(), ratio)
        assert len(result) == len(right), (
            "結んだ組の数がちがいます。距離は平方根をとりましたか。一番近いものと二番目をくらべましたか / "
            "the number of pairs is wrong: is it the root? nearest against second nearest?"
        )
        if right:
            assert_close(as_array(result, "match_descriptors"), right, f"match_descriptors (ratio={ratio})", hint=hint)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-match-hard", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import as_array, assert_close

# 等しい 2 枚があれば、どちらとも決められない / two equal ones: no way to tell
twins = np.array([[3.0, 4], [3, 4], [30, 40]])
assert len(match_descriptors(np.array([[0.0, 0]]), twins, 1.0)) == 0, (
    "「小さい」(<) ときだけ結びます / only if smaller (<)"
)
first, second = np.array([[10]], dtype=np.uint8), np.array([[12], [40], [200]], dtype=np.uint8)
hint = "uint8 のまま引いていませんか / do you subtract uint8?"
pairs = as_array(match_descriptors(first, second, 0.8), "match_descriptors (uint8)")
assert_close(pairs, [[0, 0]], "match_descriptors (uint8)", hint=hint)
### BEGIN HIDDEN TESTS
from scipy.spatial.distance import cdist

rng = np.random.default_rng(1902)
for dtype, level in [(np.uint8, 0), (np.float32, 0), (np.int64, 0), (np.float64, 100_000)]:
    second = rng.integers(0, 256, (20, 16))
    first = np.clip(second[rng.permutation(20)[:15]] + rng.integers(-40, 41, (15, 16)), 0, 255)
    first[3] = rng.integers(0, 256, 16)
    first, second = (first + level).astype(dtype), (second + level).astype(dtype)
    distance = cdist(first.astype(float), second.astype(float))
    nearest = np.sort(distance, axis=1)
    right = [(i, int(np.argmin(distance[i]))) for i in range(15) if nearest[i, 0] < 0.75 * nearest[i, 1]]
    pairs = as_array(match_descriptors(first.copy(), second.copy(), 0.75), "match_descriptors")
    assert_close(pairs, right, f"match_descriptors ({np.dtype(dtype)})", hint=hint)
    # a perfect match has distance 0; two perfect ones are twins again
    pairs = as_array(match_descriptors(second.copy(), second.copy(), 0.5), "match_descriptors")
    assert_close(pairs, [(i, i) for i in range(20)], f"match_descriptors ({np.dtype(dtype)})", hint=hint)
    double = np.concatenate([second, second[:4]])
    pairs = as_array(match_descriptors(second.copy(), double, 0.5), "match_descriptors")
    assert_close(pairs, [(i, i) for i in range(4, 20)], "match_descriptors (双子 / twins)", hint=hint)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 元の顔と、40 度まわして 1.3 倍にした顔を結びます。どれだけまわしたかは分かっているので、**正しい対応** かどうかを判定できます
# (ずれが 5 画素未満なら正解)。表の数字は「正しい対応の数 / 結んだ数 = 正しい割合」です。図では、緑が正しい対応、赤がまちがいです。

# %% [markdown] tags=["lang-en"]
# A face, and the same turned by 40 degrees and 1.3 times as large. As we turned it, we know **which pairs are right**
# (within 5 pixels). The table says: right pairs / all pairs = share right. In the figure right ones are green, wrong
# ones red.


# %%
def share_right(name, ratio):
    """対応と、それぞれが正しいか / the pairs, and whether each is right."""
    points, descriptors, turned_points, turned_descriptors = keypoints[name]
    pairs = np.array(match_descriptors(descriptors, turned_descriptors, ratio)).reshape(-1, 2).astype(int)
    expected_at = points[pairs[:, 0]] @ turn[:, :2].T + turn[:, 2]
    return pairs, np.linalg.norm(expected_at - turned_points[pairs[:, 1]], axis=1) < 5


print("比率 / ratio", " " * 4, *[f"{name:>18s}" for name in keypoints])
for ratio in (0.6, 0.7, 0.8, 1.0):
    counts = [share_right(name, ratio)[1] for name in keypoints]
    print(
        f"{ratio:12.1f}",
        " " * 4,
        *[f"{is_right.sum():4d} / {len(is_right):3d} = {is_right.mean():4.0%}" for is_right in counts],
    )

figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
canvas = np.full((368, 184 + 352), 255, dtype=np.uint8)
canvas[72 : 72 + 224, :184], canvas[:, 184:] = scene, turned
for axis, ratio in zip(axes, (1.0, 0.7), strict=True):
    pairs, is_right = share_right("SIFT", ratio)
    start = keypoints["SIFT"][0][pairs[:, 0]] + [0, 72]
    end = keypoints["SIFT"][2][pairs[:, 1]] + [184, 0]
    axis.imshow(canvas, cmap="gray", vmin=0, vmax=255)
    for good, colour in [(True, "lime"), (False, "red")]:
        chosen = is_right == good
        lines = np.stack([start[chosen], end[chosen]])  # (2, n, 2)
        axis.plot(lines[:, :, 0], lines[:, :, 1], color=colour, lw=0.5)
    axis.set_title(f"SIFT, ratio = {ratio}: 正 / right {is_right.sum()}, 誤 / wrong {(~is_right).sum()}", fontsize=10)
    axis.axis("off")
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 最後の実験: 横から光の当たった顔
#
# 40 人それぞれについて、正面から光の当たった写真を **1 枚だけ** 覚えます。残りの 360 枚が、だれなのかを当ててください。
# やり方は一番簡単なもの (覚えた 40 枚のうち、一番近いもの) で、**くらべる数** だけを変えます。
#
# - **画素**: 写真の明るさそのもの
# - **V1**: 4 つの向きの複雑細胞を、写真全体に敷きつめる (問 6 の `gabor_kernel` とエネルギー)。
#   一様な明るさに答えないようカーネルの平均を引き、2×2 画素ごとに平均し、全体の長さを 1 にそろえる
#
# そして、写真に横からの光を当てていきます (左からか右からかは、写真ごとにばらばら)。

# %% [markdown] tags=["lang-en"]
# ## The last experiment: faces lit from the side
#
# Of each of 40 persons remember **one** picture, evenly lit. Who is on the other 360? The simplest rule, the nearest of the
# 40; only **what is compared** changes: the **pixels**, or **V1**: complex cells of four directions all over the picture
# (your `gabor_kernel`, its mean subtracted so that it ignores uniform light, and the energy), averaged over 2×2 pixels,
# total length 1. Then light falls from one side, left or right at random.

# %%
quadrature = []
for theta in (0, 45, 90, 135):
    even, odd = (np.array(gabor_kernel(9, 5, theta, phase, 2, 0.5)) for phase in (0, 90))
    quadrature.append((even - even.mean(), odd))


def v1_features(images):
    """(n, 32, 32) の写真 → (n, 4 * 16 * 16) の複雑細胞の答え / responses of complex cells."""
    features = []
    for image in images.astype(np.float32):
        maps = []
        for even, odd in quadrature:
            sums = [cv2.filter2D(image, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE) for kernel in (even, odd)]
            maps.append(cv2.resize(np.hypot(*sums), (16, 16), interpolation=cv2.INTER_AREA))
        features.append(np.ravel(maps) / np.linalg.norm(maps))
    return np.array(features)


def pixel_features(images):
    """(n, 32, 32) の写真 → (n, 1024) の明るさ / brightness."""
    return images.reshape(len(images), -1)


recognised = {}
print(f"{'光 / light':13s}", " ".join(f"{light:6.1f}" for light in LIGHTS))
for name, features_of in [("画素 / pixels", pixel_features), ("V1", v1_features)]:
    samples = features_of(small.images[is_sample])
    recognised[name] = []
    for light in LIGHTS:
        queries = features_of(lit[light][~is_sample])
        guess = [np.argmin(((samples - query) ** 2).sum(axis=1)) for query in queries]
        recognised[name].append(np.mean(guess == small.person[~is_sample]))
    print(f"{name:14s}", " ".join(f"{share:6.1%}" for share in recognised[name]))

figure, axes = plt.subplots(1, 4, figsize=(10, 2.8), width_ratios=[1, 1, 1, 1.7])
for axis, light in zip(axes, LIGHTS, strict=False):
    axis.imshow(lit[light][91], cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"光 / light {light}", fontsize=10)
    axis.axis("off")
for (name, shares), style in zip(recognised.items(), ["ko-", "C3s-"], strict=True):
    axes[3].plot(LIGHTS, shares, style, label=name)
axes[3].axhline(1 / 40, color="0.6", linestyle=":", label="あてずっぽう / chance")
axes[3].set(
    xlabel="横からの光の強さ / light from the side", ylabel="正解率 / share right", ylim=(0, 0.8), xticks=LIGHTS
)
axes[3].legend(fontsize=8)
figure.subplots_adjust(wspace=0.45)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 記述 2 (5 点)
#
# 1. 問 9 の表の SIFT の列で、`ratio` を 0.7 から 1.0 に上げると、正しい対応の **数** と **割合** はどう変わりますか。
#    対応をもとに「写真が何度まわったか」を計算したいとき、どちらの値を選びますか。理由も書いてください。
# 2. 横から光が当たると、画素の成績が大きく落ちるのに、V1 の成績があまり落ちないのはなぜですか。
#    光は写真の何を変え、何を変えないのか、という点から説明してください。
# 3. この V1 でも成績が大きく落ちると思う写真の変え方を一つ挙げ、理由を書いてください (試した人は、結果も)。
#
# 全部で 5〜10 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 2 (5 points)
#
# (1) In the table of question 9, column SIFT, how do the **number** and the **share** of right pairs change from
# `ratio` 0.7 to 1.0? To compute from the pairs by how much the picture was turned, which would you take, and why? (2)
# Why does light from the side ruin the pixels' score but not V1's? What does light change in a picture, and what not?
# (3) Name one change to the pictures that would ruin this V1's score, too, and say why (if you tried, with the result).
# Five to ten lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-light", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. SIFT では、0.7 で 63 組のうち 62 組 (98 %)、1.0 で 100 組のうち 64 組 (64 %) が正しい。数はほとんど増えず、まちがいだけが
#    36 組も増える。回転の角度を計算するなら、まちがった対応に引っぱられない 0.7 を選ぶ。62 組あれば角度には十分である。
# 2. 横からの光は、片側を明るく、反対側を暗くする。画素の値はどれも大きく変わるので、同じ人どうしの距離が、
#    光の向きの同じ別人との距離より大きくなってしまう (65.6 % → 28.9 %)。
#    しかし、明るさの変わり方はゆるやかなので、目や口の縁の位置と向きは変わらない。ガボールは一様な明るさに答えず (和が 0)、
#    ゆるやかな坂にもほとんど答えないで縁に答えるから、V1 の成績はあまり落ちない (70.3 % → 61.1 %)。
# 3. 写真を回す。20 度回すと、V1 は 36.7 % (画素は 41.9 %)。見本とは縁の位置も、傾き (どの向きの細胞が答えるか) も変わるからである。
#    (ほかの例: 4 画素ずらすと 34.7 %。16×16 の升目をいくつもまたぐので、同じ場所の細胞どうしをくらべられない。)
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): SIFT で、数は少し増え、割合は下がることに 1 点。理由のある選択 (ふつうは 0.7。まちがいが少ないほうがよい) に 1 点。
#    「まちがいを後で除く方法 (RANSAC など) があるから 1.0」も、理由があれば 1 点。
# 2 (2 点): 光は明るさの絶対値やゆるやかな変化を変え、細かい変化 (エッジの位置と向き) はほとんど変えないことに 1 点。
#    ガボールは一様な明るさ・ゆるやかな坂に答えない (平均を引いた、和が 0) ことに 1 点。
# 3 (1 点): 位置ずれ、回転、拡大、強い影の縁、顔の向きなど、変え方と理由 (くらべる位置や向きがずれる) がそろって 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## おわりに
#
# 細胞のしていたことは、かけて足す、それだけでした。それでも、
#
# - 中心と周辺の差 (DoG) は、一様な明るさを捨て、マッハの帯という **錯視** まで作りました
# - 縞の受容野 (ガボール) は、傾きを選び、
# - その二乗の和 (複雑細胞) は、縞の位置を忘れました。**何を捨てるか** が、見るということの半分なのです
# - 光が変わっても人を見分けられるのは、光で変わるものを、入口で捨てているからです
#
# 機械の目も同じ道を歩いてきました。SIFT は DoG と勾配の向きからできています。そして、写真から学習した CNN の第 1 層を開けてみると、
# そこに並んでいるのは、だれも教えていないのに、ガボールによく似たカーネルです (転移学習の演習で確かめます)。
#
# では、位置がもっと大きくずれたら? それが次の演習、ネオコグニトロンの C 細胞と **最大値プーリング** の話です。
#
# 提出の前に、メニューの「カーネルを再起動し、すべてのセルを実行」で、上から下まで通ることを確かめてください。

# %% [markdown] tags=["lang-en"]
# ## To end with
#
# All that these cells do is multiply and add. Yet centre minus surround drops uniform light and even makes an **illusion**;
# stripes choose an orientation; the sum of their squares forgets where the stripes lie. **What to drop** is half of seeing:
# you know a face in any light because what light changes is dropped at the entrance. Machines went the same way: SIFT is
# made of DoGs and gradient directions, and the first layer of a CNN that learnt from photos is full of kernels like
# Gabor's, which nobody taught it (you will see in the exercise on transfer learning). And if things move farther? That is
# the next exercise: C cells and **max pooling**. Before you hand in: restart the kernel and run all cells.
