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
# # マスクの下の顔 — 正則化 (L2・L1・L0)
#
# いつもマスクをしている人が、はじめてマスクを外したとき、「思っていた顔とちがう」と感じたことはありませんか。
# そのときまで、あなたの脳は、目と額だけから口もとを *勝手に補って* いたのです。
#
# 目の見え方から口もとは一つに決まりません。同じ目に、いろいろな口がありえます。
# このように「データだけでは答えが一つに決まらない」問題を **不良設定問題** (ill-posed problem) といいます。
# 網膜の 2 次元像から 3 次元の世界を推定する視覚の仕事は、ほとんどが不良設定問題です。
#
# 第 5 回の講義で見た **標準正則化理論** (Poggio たち, 1985) の考えは単純です。
# データへの当てはまりに加えて、「もっともらしい答えはこういうものだ」という **制約** を置きます。
#
# $$
# \text{目的関数} \;=\; \underbrace{\text{誤差}}_{\text{データに合うか}} \;+\; \lambda \times
# \underbrace{\text{罰則}}_{\text{もっともらしいか}}
# $$
#
# | 原理 (講義の言葉) | 罰則 | 式 ($w_j$ は重み) | 呼び名 |
# |---|---|---|---|
# | 滑らかさ原理 | L2 | $\sum_j w_j^2$ | リッジ回帰 |
# | 簡潔さ原理 | L1 | $\sum_j \lvert w_j \rvert$ | ラッソ (Lasso) |
# | 疎性原理 | L0 | 0 でない $w_j$ の個数 | 部分集合選択 |
#
# $\lambda \ge 0$ (ラムダ) は正則化の強さです。自分で選ばなければならない数なので **ハイパーパラメータ** と呼びます。
#
# この演習では、この三つの罰則を自分の手で実装し、最後に **顔の上半分から下半分を当てて** みます。

# %% [markdown] tags=["lang-en"]
# # The face under the mask: regularisation (L2, L1, L0)
#
# Somebody you only ever saw with a mask takes it off, and looks different from what you expected. Until then your brain
# had filled in the mouth from the eyes alone.
#
# The eyes do not determine the mouth: many mouths go with the same eyes. A problem whose data leave the answer open is
# called **ill-posed**, and most of vision (a 3-D world from a 2-D retina) is like that. Standard regularisation theory
# (Poggio and colleagues, 1985; lecture 05) adds a constraint that says which answers are plausible:
#
# *objective = error (does it fit the data?) + λ × penalty (is it plausible?)*
#
# | principle | penalty | formula ($w_j$: weights) | name |
# |---|---|---|---|
# | smoothness | L2 | $\sum_j w_j^2$ | ridge regression |
# | simplicity | L1 | $\sum_j \lvert w_j \rvert$ | lasso |
# | sparseness | L0 | number of $w_j \ne 0$ | subset selection |
#
# λ ≥ 0 is the strength; you have to choose it, so it is called a *hyper-parameter*. You will write all three penalties
# yourself, and in the end predict **the lower half of a face from its upper half**.

# %% [markdown] tags=["lang-ja"]
# ## 進め方
#
# | | 内容 | 配点 | 目安 |
# |---|---|---|---|
# | A | 曲線: 設計行列、最小二乗、次数の選択 (問 1〜3) | 21 | 40 分 |
# | B | 罰則: リッジ、しきい値、ラッソ、PyTorch (問 4〜7、記述 1) | 48 | 70 分 |
# | C | 顔: λ の選択、下半分の予測、データ数 (問 8・9、図、記述 2) | 31 | 50 分 |
#
# - 解答するのは `# YOUR CODE HERE` と書かれたセルだけです。`raise NotImplementedError()` を消して書きます。
# - セルは上から順に実行します。まだ答えていない問題のセルは `NotImplementedError` で止まりますが、故障ではありません。
# - 解答のすぐ下の **テストのセル** を実行して、何も表示されなければ合格です。
#   採点のときには、ここに見えないテスト (ほかの入力、極端な入力) も加わります。
# - どの問題も前の問題とは別に採点されます。行きづまったら、とばして先に進んでかまいません。
# - 自分でセルを足して試すのは大歓迎です。困ったら、まず `print(変数.shape)` で形を確かめましょう。

# %% [markdown] tags=["lang-en"]
# ## How it works
#
# Part A (curves, questions 1–3, 21 points, about 40 minutes), part B (penalties, 4–7 and a written one, 48 points, 70
# minutes), part C (faces, 8–9, a picture and a written one, 31 points, 50 minutes). Write only where it says `# YOUR CODE HERE`, in place of `raise NotImplementedError()`. The test
# cell below each answer says nothing when all is well; marking adds tests that you cannot see (other inputs, extreme
# inputs). A question without an answer stops with `NotImplementedError`; nothing is broken. Every question is marked on
# its own, so skip what you are stuck on. Cells of your own are welcome; when in doubt, `print(something.shape)`.

# %% nbgrader={"grade": false, "grade_id": "imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
import matplotlib.pyplot as plt
import matplotlib_fontja
import numpy as np
import torch
from sklearn.linear_model import LinearRegression, Ridge

from facelab import load_face_patches, load_faces, show_images

torch.optim.SGD([torch.zeros(1)])  # 最初の一回だけ遅いので、ここで準備しておく / slow the first time only
matplotlib_fontja.japanize()  # 図の中で日本語を使う / Japanese in figures

# %% [markdown] tags=["lang-ja"]
# ## まず見る
#
# 使うのは ORL (オリベッティ) の顔データです。40 人を 10 枚ずつ、あわせて 400 枚あります。
# 先頭の 30 人を **訓練** に使い、残りの 10 人は最後まで見せない **テスト** 用にします。
# 「知らない人」の口もとを当てたいので、*写真* ではなく *人* で分けるのです。
#
# 画像は 32×32 画素、値は 0 (黒) から 1 (白) です。上半分 16×32 = 512 画素が入力、下半分 512 画素が出力です。
# 誤差は、値を 255 倍した 0〜255 の目盛り、つまり **階調** の単位で表示します。
# 下のセルの終わりにある `join_halves` と `rmse` は、自分の解答の中でも自由に使えます。

# %% [markdown] tags=["lang-en"]
# ## Look first
#
# The ORL (Olivetti) faces: 40 persons, 10 pictures each. Thirty persons are for training, ten stay unseen until the test:
# we want to predict the mouth of a *stranger*, so we split by person and not by picture. Pictures are 32×32, values 0
# (black) to 1 (white); the upper 512 pixels are the input, the lower 512 the output. Errors are shown in **grey levels**:
# times 255. `join_halves` and `rmse` at the end of the next cell are yours to use in any answer.

# %% nbgrader={"grade": false, "grade_id": "faces", "locked": true, "schema_version": 3, "solution": false, "task": false}
SIDE = 32
faces = load_faces(size=SIDE)
print(faces)
print(faces.credit)

upper = faces.images[:, : SIDE // 2].reshape(400, -1)  # (400, 512) 上半分 / upper halves
lower = faces.images[:, SIDE // 2 :].reshape(400, -1)  # (400, 512) 下半分 / lower halves
is_train = faces.person < 30  # (400,) 訓練用の 30 人 / the 30 persons for training

upper_train, lower_train, person_train = upper[is_train], lower[is_train], faces.person[is_train]
upper_test, lower_test = upper[~is_train], lower[~is_train]


def join_halves(upper_half, lower_half):
    """上半分と下半分 (n, 512) をつないで画像 (n, 32, 32) にする / put halves together."""
    return np.concatenate([upper_half, lower_half], axis=1).reshape(-1, SIDE, SIDE)


def rmse(prediction, truth):
    """二乗平均平方根誤差 / root mean squared error: sqrt(mean((prediction - truth)**2))."""
    return float(np.sqrt(np.mean((np.asarray(prediction) - np.asarray(truth)) ** 2)))


# %% nbgrader={"grade": false, "grade_id": "data-for-later", "locked": true, "schema_version": 3, "solution": false, "task": false}
# 問 6 のあとで使う、顔と顔でない画像 / faces and other things, for after question 6
patches = load_face_patches()
print(patches.credit)
pixels = patches.images.reshape(200, -1)  # (200, 625)
target = np.where(patches.is_face, 1.0, -1.0)  # 顔は +1、顔でなければ -1 / face +1, not a face -1
known = patches.group < 50  # 同じ写真から切り出した二枚は同じ側に / both cut-outs of a photo stay on one side

# 問 9 のあとで使う、小さな顔 / small faces, for after question 9
small = load_faces(size=16).images
small_upper, small_lower = small[:, :8].reshape(400, -1), small[:, 8:].reshape(400, -1)  # (400, 128)

# %% nbgrader={"grade": false, "grade_id": "look-at-faces", "locked": true, "schema_version": 3, "solution": false, "task": false}
some = [0, 40, 90, 130, 190, 210, 260]  # 訓練用の 7 枚 / seven training pictures
masked = join_halves(upper_train[some], np.full((len(some), 512), 0.5))
show_images(
    np.concatenate([masked, join_halves(upper_train[some], lower_train[some])]),
    columns=len(some),
    row_labels=["マスク / masked", "正解 / truth"],
    suptitle="下半分を想像してから、下の段を見てみよう / guess, then look below",
)

# %% [markdown] tags=["lang-ja"]
# ---
# # A. 曲線で考える
#
# 512 画素をいきなり扱う前に、**1 行だけ** 取り出しましょう。
# 下の図の左は訓練用 300 枚の平均顔です (こちらは 64×64 画素)。赤い線は目の高さの 1 行で、右はその明るさです。
# 明るさには雑音を少し加え、64 画素を 4 画素おきに **訓練**・**検証**・**テスト** に分けました (残りは使いません)。
#
# 「ところどころしか見えない明るさから、全体の曲線を当てる」。これも小さな不良設定問題です。

# %% [markdown] tags=["lang-en"]
# ---
# # A. Curves first
#
# Before 512 pixels at once, take **one row**. Left: the mean of the 300 training faces, with a line at the height of the
# eyes. Right: the brightness along that line, with a little noise. Of its 64 pixels, every fourth is for training, others
# for validation and for the test. To guess the curve from a few points is a small ill-posed problem, too.

# %% nbgrader={"grade": false, "grade_id": "profile", "locked": true, "schema_version": 3, "solution": false, "task": false}
EYE_ROW = 28
mean_face = load_faces(size=64).images[is_train].mean(axis=0)  # (64, 64)
position = np.linspace(-1, 1, 64)  # 左端が -1、右端が 1 / left end -1, right end 1
brightness = mean_face[EYE_ROW] + 0.02 * np.random.default_rng(1).standard_normal(64)

x_train, y_train = position[0::4], brightness[0::4]  # (16,) 訓練 / training
x_val, y_val = position[1::4], brightness[1::4]  # (16,) 検証 / validation
x_test, y_test = position[2::4], brightness[2::4]  # (16,) テスト / test

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=[1, 2], layout="constrained")
left.imshow(mean_face, cmap="gray", vmin=0, vmax=1)
left.axhline(EYE_ROW, color="red")
left.set_title("平均顔 / mean face")
left.axis("off")
right.plot(position, mean_face[EYE_ROW], color="0.7", label="雑音なし / without noise")
right.plot(x_train, y_train, "ko", label="訓練 / training")
right.plot(x_val, y_val, "C0s", label="検証 / validation")
right.plot(x_test, y_test, "C1^", label="テスト / test")
right.set_xlabel("位置 / position")
right.set_ylabel("明るさ / brightness")
right.set_title("目の高さの明るさ / along the eyes")
right.legend(fontsize=8, loc="lower center", ncols=2)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 1. 設計行列 (5 点)
#
# 曲線を $p$ 次の多項式で表します。
#
# $$\hat y_i = w_0 + w_1 x_i + w_2 x_i^2 + \dots + w_p x_i^p \qquad\Longleftrightarrow\qquad \hat{\boldsymbol y} = X \boldsymbol w$$
#
# - $x_i$: $i$ 番目の位置、 $\hat y_i$: そこでの明るさの予測、 $w_k$: 重み
# - $X$: **設計行列**。 $i$ 行 $k$ 列が $x_i^k$。左端の列 ($k=0$) はすべて 1 で、切片 $w_0$ に対応します
#
# たとえば $x = (0, 1, 2)$、 $p = 2$ なら
# $X = \begin{pmatrix} 1 & 0 & 0 \\ 1 & 1 & 1 \\ 1 & 2 & 4 \end{pmatrix}$ です。
# 式は「$x$ の 2 乗」でも、 $\boldsymbol w$ については 1 次式です。だから **線形回帰** で解けます。
#
# 5 行で書けます。**整数のリスト** が渡されても正しく働くようにしてください
# (NumPy の整数は $50^{12}$ のような大きな数を表せず、黙ってまちがえます)。

# %% [markdown] tags=["lang-en"]
# ## Question 1. The design matrix (5 points)
#
# A polynomial of degree $p$ is $\hat{\boldsymbol y} = X \boldsymbol w$: row $i$, column $k$ of the design matrix $X$ is
# $x_i^k$, so the leftmost column is all ones (the intercept). It is linear in $\boldsymbol w$, hence linear regression.
# Five lines will do. A list of integers must work, too: NumPy's integers cannot hold $50^{12}$ and do not say so.


# %% nbgrader={"grade": false, "grade_id": "design-matrix", "locked": false, "schema_version": 3, "solution": true, "task": false}
def design_matrix(x, degree):
    """多項式の設計行列 / the design matrix of a polynomial.

    x      : (n,) 数の並び。リストでも整数でもよい / numbers; a list or integers are fine
    degree : 0 以上の整数 / whole number, 0 or more
    返り値 / returns : (n, degree + 1) の小数 (float) の配列。列 k は x の k 乗 / floats, column k is x to the power k
    degree が負なら ValueError を出す / raise ValueError if degree is negative
    """
    ### BEGIN SOLUTION
    if degree < 0:
        raise ValueError(f"degree must not be negative: {degree}")
    X = np.ones((len(x), degree + 1))  # floats: integers in x cannot overflow
    for k in range(1, degree + 1):
        X[:, k] = X[:, k - 1] * x
    return X
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-design-matrix", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

assert_close(design_matrix(np.array([0.0, 1.0, 2.0]), 2), [[1, 0, 0], [1, 1, 1], [1, 2, 4]], "design_matrix")
assert_close(
    design_matrix(np.array([-0.5, 0.5]), 3),
    [[1, -0.5, 0.25, -0.125], [1, 0.5, 0.25, 0.125]],
    "design_matrix",
    hint="列 k は x の k 乗ですか / is column k the k-th power of x?",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(101)
for n, degree in [(7, 1), (5, 6), (1, 4), (40, 9)]:
    x = rng.uniform(-2, 2, n)
    right = np.polynomial.polynomial.polyvander(x, degree)
    assert_close(design_matrix(x.copy(), degree), right, f"design_matrix (n={n}, degree={degree})")
# float32 in: powers may be taken in float32, whose relative precision is 6e-8, or in float64
x = rng.uniform(0.5, 2, 6).astype(np.float32)
right = np.polynomial.polynomial.polyvander(x.astype(float), 3)
assert_close(design_matrix(x.copy(), 3), right, "design_matrix (float32)", rtol=1e-5)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-design-matrix-edges", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

assert_close(design_matrix([3, 4], 0), [[1], [1]], "design_matrix (degree=0)")
assert_close(
    design_matrix([10, 100], 10),
    [[10.0**k for k in range(11)], [100.0**k for k in range(11)]],
    "design_matrix (整数のリスト / a list of integers)",
    hint="計算の前に float にしましたか / did you turn x into floats first?",
)
try:
    design_matrix([1.0, 2.0], -1)
except ValueError:
    pass
else:
    raise AssertionError("degree が負のときは ValueError を出してください / raise ValueError for a negative degree")
### BEGIN HIDDEN TESTS
assert_close(design_matrix([7.5], 0), [[1]], "design_matrix (n=1, degree=0)")
x = np.array([-3, 50, 101, 2])
right = np.polynomial.polynomial.polyvander(x.astype(float), 12)
assert_close(design_matrix(x.copy(), 12), right, "design_matrix (整数の配列 / an array of integers)")
assert_close(design_matrix(x.tolist(), 12), right, "design_matrix (整数のリスト / a list of integers)")
for degree in (-1, -5):
    try:
        design_matrix(np.array([0.5]), degree)
    except ValueError:
        pass
    else:
        raise AssertionError("degree が負のときは ValueError を出してください / raise ValueError for a negative degree")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# ## 問 2. 最小二乗法 (7 点)
#
# 誤差の二乗和 $\lVert \boldsymbol y - X \boldsymbol w \rVert^2 = \sum_i (y_i - \hat y_i)^2$ を最小にする重み $\boldsymbol w$ を求めます。
#
# 教科書には **正規方程式** の解 $\boldsymbol w = (X^\top X)^{-1} X^\top \boldsymbol y$ が載っています。
# 数式としては正しいのですが、コンピュータでこのとおり計算するのは危険です。
#
# - 多項式の列 $x^8$ と $x^{10}$ はよく似ています。 $X^\top X$ を作ると、この「似ている」が **2 乗** され、桁が失われます
# - まったく同じ列が 2 本あると、逆行列そのものが存在しません。解は無数にあります (不良設定!)
#
# そこで、 $X^\top X$ を作らずに解きます。NumPy には専用の関数があります。
# 解が無数にあるときは、そのうち **長さ $\lVert \boldsymbol w \rVert$ が最小のもの** を返してください。
#
# <details><summary>ヒント</summary>
#
# `np.linalg.lstsq` の説明を読みましょう。返り値は 4 つ組です。`np.linalg.pinv` (擬似逆行列) でもできます。
#
# </details>

# %% [markdown] tags=["lang-en"]
# ## Question 2. Least squares (7 points)
#
# Find the weights that minimise $\lVert \boldsymbol y - X \boldsymbol w \rVert^2$. The normal equations
# $\boldsymbol w = (X^\top X)^{-1} X^\top \boldsymbol y$ are right on paper and dangerous in a computer: $X^\top X$ squares
# the condition number, and with two equal columns there is no inverse at all. Solve without forming $X^\top X$
# (`np.linalg.lstsq` returns four things; `np.linalg.pinv` is another way). Where many solutions are equally good, return
# the **shortest** one.


# %% nbgrader={"grade": false, "grade_id": "least-squares", "locked": false, "schema_version": 3, "solution": true, "task": false}
def least_squares(X, y):
    """最小二乗解 (いくつもあれば長さ最小のもの) / least-squares weights, the shortest if there are many.

    X : (n, d) の配列。切片の列が要るならすでに入っている / any column for the intercept is already there
    y : (n,) の配列 / the targets
    返り値 / returns : w (d,)
    """
    ### BEGIN SOLUTION
    w, _, _, _ = np.linalg.lstsq(X, y, rcond=None)
    return w
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-least-squares", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# y = 1 + 2x がちょうど通る / a line that goes through all points
assert_close(least_squares(np.array([[1.0, 0], [1, 1], [1, 2]]), np.array([1.0, 3, 5])), [1, 2], "least_squares")
# 一つの値で表すなら平均 / one number for all: the mean
assert_close(least_squares(np.ones((4, 1)), np.array([1.0, 2, 3, 6])), [3], "least_squares")
### BEGIN HIDDEN TESTS
from scipy.linalg import lstsq as scipy_lstsq

rng = np.random.default_rng(202)
for n, d in [(12, 3), (30, 8), (5, 5)]:
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    right = scipy_lstsq(X, y)[0]
    # condition numbers are below 100, so every method agrees to about 1e-12
    assert_close(least_squares(X.copy(), y.copy()), right, f"least_squares (n={n}, d={d})")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-least-squares-hard", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 同じ列が 2 本: 長さ最小の解は重みを半分ずつにする / two equal columns share the weight
assert_close(
    least_squares(np.array([[1.0, 1], [2, 2], [3, 3]]), np.array([2.0, 4, 6])),
    [1, 1],
    "least_squares (同じ列が 2 本 / two equal columns)",
    hint="逆行列を使っていませんか / do you use an inverse?",
)
### BEGIN HIDDEN TESTS
from scipy.linalg import lstsq as scipy_lstsq

rng = np.random.default_rng(203)
# more unknowns than equations, and columns that depend on each other: the shortest solution
X, y = rng.standard_normal((4, 9)), rng.standard_normal(4)
assert_close(least_squares(X.copy(), y.copy()), scipy_lstsq(X, y)[0], "least_squares (n < d)")
X = np.column_stack([rng.standard_normal((20, 3)), np.zeros(20)])
X = np.column_stack([X, X[:, 0] + X[:, 1]])
y = rng.standard_normal(20)
assert_close(
    least_squares(X.copy(), y.copy()),
    scipy_lstsq(X, y)[0],
    "least_squares (列が独立でない / dependent columns)",
    hint="逆行列を使っていませんか / do you use an inverse?",
)
# powers of x in [0, 1] up to 9: condition number 2e7, squared 4e14. Without squaring, w keeps 8 digits;
# with it, one or two. 1e-5 lies between.
x = np.linspace(0, 1, 40)
X = np.polynomial.polynomial.polyvander(x, 9)
w_true = rng.uniform(1, 2, 10)
assert_close(
    least_squares(X.copy(), X @ w_true),
    w_true,
    "least_squares (似た列 / nearly equal columns)",
    rtol=1e-5,
    hint="X.T @ X を作ると桁が失われます / forming X.T @ X loses digits",
)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# ## 問 3. 次数を選ぶ (9 点)
#
# 次数 $p$ が小さすぎると曲線が大まかすぎ (**アンダーフィッティング**)、大きすぎると雑音まで覚えてしまいます
# (**オーバーフィッティング**、過剰適合)。ちょうどよい次数を、次の手順で選びます。
#
# 1. 次数 1, 2, …, `max_degree` のそれぞれについて、**訓練データだけ** で多項式を当てはめる
# 2. 訓練誤差と検証誤差 (どちらも RMSE) を記録する
# 3. **検証誤差** が最小の次数を選ぶ
# 4. 選んだ次数の **テスト誤差** を報告する (当てはめは 1 のまま。やり直さない)
#
# $$\mathrm{RMSE} = \sqrt{\tfrac1n \textstyle\sum_{i=1}^n (\hat y_i - y_i)^2}$$
#
# - 訓練誤差で選ぶと、いつも一番複雑なモデルが勝ちます
# - テスト誤差で選ぶのは **カンニング** です。選ぶのに使った時点で、テストは「未知のデータ」ではなくなります
#
# 当てはめには、数値的に安全な NumPy の道具を使えます (自分の問 1・問 2 を使ってもかまいません)。
#
# ```python
# curve = np.polynomial.Polynomial.fit(x_train, y_train, 3)   # 3 次式を当てはめる
# curve(x_val)                                                # x_val での予測
# ```

# %% [markdown] tags=["lang-en"]
# ## Question 3. Choose the degree (9 points)
#
# Too low a degree is too coarse (underfitting), too high a degree learns the noise (overfitting). For each degree 1, 2, …,
# `max_degree`: fit on the **training data only**, note the RMSE on training and validation data. Choose the degree with
# the smallest **validation** error, and report that degree's **test** error (of the same fit). Choosing by training error always prefers
# the most complex model; choosing by test error is cheating: the test data are then no longer unseen.
# `np.polynomial.Polynomial.fit` (above) is a numerically safe tool; your questions 1 and 2 are fine, too.


# %% nbgrader={"grade": false, "grade_id": "choose-degree", "locked": false, "schema_version": 3, "solution": true, "task": false}
def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    """検証誤差で多項式の次数を選ぶ / choose the degree of a polynomial by validation.

    x_*, y_*   : (n,) の配列。個数は三つの組でちがってよい / numbers may differ between the three sets
    max_degree : 調べる最大の次数 (1 以上) / highest degree to try, 1 or more
    返り値 / returns : 次の四つを持つ辞書 / a dict of
        "degree" : 選んだ次数 (int) / the chosen degree
        "train"  : (max_degree,) 次数 1, 2, ... の訓練 RMSE / training RMSE of degrees 1, 2, ...
        "val"    : (max_degree,) 同じく検証 RMSE / validation RMSE
        "test"   : 選んだ次数のテスト RMSE (float) / test RMSE of the chosen degree
    """
    ### BEGIN SOLUTION
    train, val, test = [], [], []
    for degree in range(1, max_degree + 1):
        curve = np.polynomial.Polynomial.fit(x_train, y_train, degree)
        train.append(rmse(curve(x_train), y_train))
        val.append(rmse(curve(x_val), y_val))
        test.append(rmse(curve(x_test), y_test))
    best = int(np.argmin(val))
    return {"degree": best + 1, "train": np.array(train), "val": np.array(val), "test": test[best]}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-choose-degree-errors", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

line = np.polynomial.Polynomial.fit(x_train, y_train, 1)
right = {
    "train": np.sqrt(np.mean((line(x_train) - y_train) ** 2)),
    "val": np.sqrt(np.mean((line(x_val) - y_val) ** 2)),
}
result = choose_degree(*[values.copy() for values in (x_train, y_train, x_val, y_val, x_test, y_test)], 5)
message = '"degree", "train", "val", "test" を持つ辞書を返してください / return a dict with these four keys'
assert isinstance(result, dict), message
assert {"degree", "train", "val", "test"} <= set(result), message
for key in ("train", "val"):
    assert_close(np.shape(result[key]), (5,), f'result["{key}"] の形 / shape')
    assert_close(
        result[key][0],
        right[key],
        f'result["{key}"][0] (次数 1 / degree 1)',
        hint="平方根を忘れていませんか。訓練データだけで当てはめましたか / the root? fitted on training data only?",
    )
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(301)
for n_train, n_val, n_test, max_degree in [(14, 9, 6, 5), (25, 30, 8, 8)]:
    sets = []
    for n in (n_train, n_val, n_test):
        x = np.sort(rng.uniform(-1, 1, n))
        sets += [x, np.sin(4 * x) + 0.2 * rng.standard_normal(n)]
    right = {"train": [], "val": []}
    for degree in range(1, max_degree + 1):
        # an independent way: Chebyshev polynomials span the same space
        w = np.linalg.lstsq(np.polynomial.chebyshev.chebvander(sets[0], degree), sets[1], rcond=None)[0]
        for key, x, y in [("train", *sets[:2]), ("val", *sets[2:4])]:
            right[key].append(np.sqrt(np.mean((np.polynomial.chebyshev.chebval(x, w) - y) ** 2)))
    result = choose_degree(*[values.copy() for values in sets], max_degree)
    for key in ("train", "val"):
        # degrees up to 8 on [-1, 1] with raw powers: condition number below 1e4
        assert_close(result[key], right[key], f'result["{key}"] (max_degree={max_degree})', rtol=1e-5)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-choose-degree-choice", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 放物線に雑音: 検証誤差で選ぶ / a parabola with noise
rng = np.random.default_rng(3)
x = rng.uniform(-1, 1, (3, 12))
y = 1 + 3 * x**2 + 0.1 * rng.standard_normal((3, 12))
result = choose_degree(x[0], y[0], x[1], y[1], x[2], y[2], 6)
message = '"degree" は 1 から max_degree の整数です / "degree" is a whole number from 1 to max_degree'
assert np.shape(result["degree"]) == (), message
assert 1 <= result["degree"] <= 6, message
assert result["degree"] != 1, (
    "放物線に 1 次式は選ばれません。配列の番号 (0 から) を次数 (1 から) に直しましたか / "
    "no straight line fits a parabola: did you turn the index (from 0) into a degree (from 1)?"
)
### BEGIN HIDDEN TESTS
decided = 0
for seed in range(12):
    rng = np.random.default_rng(310 + seed)
    # few training points, and the three sets differ: the three errors prefer different degrees
    sets = []
    for n, noise in [(13, 0.3), (11, 0.3), (7, 0.3)]:
        x = rng.uniform(-1, 1, n)
        sets += [x, np.cos(3 * x) + noise * rng.standard_normal(n)]
    errors = np.empty((3, 7))
    for degree in range(1, 8):
        w = np.linalg.lstsq(np.polynomial.chebyshev.chebvander(sets[0], degree), sets[1], rcond=None)[0]
        for row in range(3):
            miss = np.polynomial.chebyshev.chebval(sets[2 * row], w) - sets[2 * row + 1]
            errors[row, degree - 1] = np.sqrt(np.mean(miss**2))
    best = int(np.argmin(errors[1]))
    if np.sort(errors[1])[1] < 1.01 * errors[1, best] or np.argmin(errors[2]) == best:
        continue  # too close to call, or the test error would choose the same
    decided += 1
    result = choose_degree(*[values.copy() for values in sets], 7)
    assert_close(
        result["degree"],
        best + 1,
        'result["degree"]',
        hint="検証誤差が最小の次数ですか / is it the degree with the smallest validation error?",
    )
    assert_close(
        result["test"],
        errors[2, best],
        'result["test"]',
        rtol=1e-5,
        hint="選んだ次数を訓練データに当てはめたときのテスト誤差です / of the chosen degree, fitted on training data",
    )
if decided < 3:
    raise RuntimeError("this test decides nothing: mend its seeds")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# できたら、平均顔で試しましょう。右の図で、次数が低い線・選ばれた線・高い線を見くらべてください。
# 左の図では、次数とともに訓練誤差は下がり続けるのに、検証誤差は途中から上がります。
# 14 次の線は訓練の点のすぐそばを通りますが、両端では点と点の *間* で大きく暴れています。

# %% [markdown] tags=["lang-en"]
# Try it on the mean face. Left: training error keeps falling with the degree, validation error does not. Right: a low, the
# chosen, and a high degree; degree 14 passes close to the training points and swings wildly *between* them at both ends.

# %%
result = choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, 14)
print(f"選ばれた次数 / degree: {result['degree']}, テスト RMSE / test: {255 * result['test']:.1f} 階調 / grey levels")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
left.plot(range(1, 15), 255 * np.array(result["train"]), "ko-", label="訓練 / training")
left.plot(range(1, 15), 255 * np.array(result["val"]), "C0s-", label="検証 / validation")
left.set_yscale("log")
left.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
left.minorticks_off()
left.set_xticks(range(2, 15, 2))
left.set_xlabel("次数 / degree")
left.set_ylabel("RMSE (階調 / grey levels)")
left.legend()
right.plot(x_train, y_train, "ko", label="訓練 / training")
right.plot(x_val, y_val, "C0s", label="検証 / validation")
for degree, colour in [(2, "C2"), (result["degree"], "C3"), (14, "C4")]:
    curve = np.polynomial.Polynomial.fit(x_train, y_train, degree)
    right.plot(*curve.linspace(300), colour, label=f"{degree} 次 / degree {degree}")
right.set_ylim(0, 1)
right.set_xlabel("位置 / position")
right.set_ylabel("明るさ / brightness")
right.legend(fontsize=7, loc="lower center", ncols=2)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ---
# # B. 三つの罰則
#
# 次数を減らすのは、「この列は使わない」と決めるやり方でした。
# 正則化では、列は全部残したまま、**重みが大きくなることに罰を与えます**。
#
# ## 問 4. リッジ回帰 — L2 (10 点)
#
# $$J(\boldsymbol w, b) = \sum_{i=1}^n \bigl(y_i - b - \boldsymbol x_i^\top \boldsymbol w\bigr)^2 + \lambda \sum_{j=1}^d w_j^2$$
#
# - $\boldsymbol x_i$: $i$ 番目の入力 ($d$ 個の数)、 $y_i$: 目標、 $\boldsymbol w$: 重み、 $b$: **切片** (バイアス)
# - $b$ は罰則に **入りません**。写真全体が 50 階調明るくなったら、予測も 50 階調明るくなるべきで、
#   その分まで「大きいから」と縮めてはいけないからです
#
# 解は次のように求まります。上に線のついた $\bar{\boldsymbol x}$ と $\bar y$ は平均です。
#
# 1. 中心化: $\tilde{\boldsymbol x}_i = \boldsymbol x_i - \bar{\boldsymbol x}$、 $\tilde y_i = y_i - \bar y$
# 2. 連立方程式 $(\tilde X^\top \tilde X + \lambda I)\, \boldsymbol w = \tilde X^\top \tilde{\boldsymbol y}$ を解く ($I$ は単位行列)。
#    連立方程式 $A \boldsymbol w = \boldsymbol c$ を解くのは `np.linalg.solve(A, c)`、単位行列は `np.eye(d)` です
# 3. $b = \bar y - \bar{\boldsymbol x}^\top \boldsymbol w$
#
# $\lambda > 0$ なら、列がそっくりでも、画素が枚数より多くても、2 の解は **ただ一つ** です。罰則が不良設定を解消しています。
#
# 顔では目標が一つの数ではなく 512 画素です。`y` が (n,) でも (n, m) でも働くようにしましょう。
# 上の式のまま書けば、たいていは何もしなくても両方で動きます。
#
# (`lambda` は Python の予約語なので、変数名は `lam` とします。)

# %% [markdown] tags=["lang-en"]
# ---
# # B. Three penalties
#
# ## Question 4. Ridge regression: L2 (10 points)
#
# Instead of leaving columns out, keep them all and punish large weights (formula above). The intercept $b$ is **not**
# penalised: if all targets get 50 grey levels brighter, so must the prediction. Solution: (1) subtract the means,
# (2) solve $(\tilde X^\top \tilde X + \lambda I)\,\boldsymbol w = \tilde X^\top \tilde{\boldsymbol y}$,
# (3) $b = \bar y - \bar{\boldsymbol x}^\top \boldsymbol w$. With λ > 0 there is exactly one solution, however similar the
# columns: the penalty cures the ill-posedness. `np.linalg.solve(A, c)` solves a system of equations, `np.eye(d)` is the
# identity $I$. `y` may be (n,) or (n, m), m targets at once. (`lambda` is a reserved word,
# hence `lam`.)


# %% nbgrader={"grade": false, "grade_id": "ridge-fit", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ridge_fit(X, y, lam):
    """リッジ回帰。切片には罰則をかけない / ridge regression; the intercept is not penalised.

    X   : (n, d) の配列 / inputs
    y   : (n,) または (n, m) の配列 / targets
    lam : 正則化の強さ (0 より大きい) / strength, > 0
    返り値 / returns : (w, b)。y が (n,) なら w は (d,)、b は数。y が (n, m) なら w は (d, m)、b は (m,)
        w (d,) and a number b; for y of shape (n, m): w (d, m) and b (m,)
    X と y は書きかえない / X and y stay as they are
    """
    ### BEGIN SOLUTION
    x_mean, y_mean = X.mean(axis=0), y.mean(axis=0)
    X_centred = X - x_mean
    # y need not be centred: the columns of X_centred sum to 0, and take y_mean away by themselves
    w = np.linalg.solve(X_centred.T @ X_centred + lam * np.eye(X.shape[1]), X_centred.T @ y)
    return w, y_mean - x_mean @ w
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-ridge-fit", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# 平均が 0 のデータ: w = Σxy / (Σx² + λ) = 8 / (8 + 8) / data with mean 0
result = ridge_fit(np.array([[-2.0], [0.0], [2.0]]), np.array([-2.0, 0.0, 2.0]), 8.0)
assert_tuple(result, ("w", "b"), "ridge_fit")
assert_close(
    result[0], [0.5], "ridge_fit の w", hint="λ は誤差の「和」に対する強さです / λ goes with the sum of errors"
)
assert_close(result[1], 0.0, "ridge_fit の b")
### BEGIN HIDDEN TESTS
from sklearn.linear_model import Ridge as RidgeReference

rng = np.random.default_rng(401)
# all columns and y have mean 0: this cell is about w alone
for n, d, lam in [(20, 3, 0.1), (30, 6, 5.0), (8, 15, 2.0)]:
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    X, y = X - X.mean(axis=0), y - y.mean()
    right = RidgeReference(alpha=lam).fit(X, y)
    result = ridge_fit(X.copy(), y.copy(), lam)
    assert_tuple(result, ("w", "b"), "ridge_fit")
    # condition numbers are below 1e4: any solver keeps ten digits
    assert_close(result[0], right.coef_, f"ridge_fit の w (n={n}, d={d})")
    assert_close(result[1], 0.0, "ridge_fit の b (平均 0 のデータ / data with mean 0)")
# float32 in: with condition numbers below 100, float32 (precision 6e-8) keeps four digits
X, y = rng.standard_normal((18, 4)).astype(np.float32), rng.standard_normal(18).astype(np.float32)
X, y = X - X.mean(axis=0), y - y.mean()
right = RidgeReference(alpha=1.5).fit(X.astype(float), y.astype(float))
result = ridge_fit(X.copy(), y.copy(), 1.5)
assert_tuple(result, ("w", "b"), "ridge_fit")
assert_close(result[0], right.coef_, "ridge_fit の w (float32)", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-ridge-fit-intercept", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# y を 100 だけ明るくすると、b も 100 増え、w は変わらない / 100 brighter: b grows by 100, w stays
X, y = np.array([[1.0, 0], [2, 1], [3, 1], [5, 4]]), np.array([1.0, 2, 2, 4])
X_before = X.copy()
w_dark, b_dark = ridge_fit(X, y, 3.0)
assert np.array_equal(X, X_before), (
    "X が書きかわっています。X -= ... ではなく新しい変数に / X was changed: make a new array instead of X -= ..."
)
w_bright, b_bright = ridge_fit(X, y + 100, 3.0)
hint = "切片まで縮めていませんか / do you shrink the intercept, too?"
assert_close(np.subtract(b_bright, b_dark), 100, "b の変化 / change of b", hint=hint)
assert_close(w_bright, w_dark, "w", hint=hint)
### BEGIN HIDDEN TESTS
from sklearn.linear_model import Ridge as RidgeReference

rng = np.random.default_rng(402)
for n, d, lam in [(25, 4, 0.5), (12, 20, 10.0)]:
    X = rng.standard_normal((n, d)) + rng.uniform(2, 5, d)
    y = X @ rng.standard_normal(d) + 30 + rng.standard_normal(n)
    X_before, y_before = X.copy(), y.copy()
    right = RidgeReference(alpha=lam).fit(X_before, y_before)
    result = ridge_fit(X, y, lam)
    assert_tuple(result, ("w", "b"), "ridge_fit")
    assert_close(result[0], right.coef_, f"ridge_fit の w (n={n}, d={d})", hint=hint)
    assert_close(result[1], right.intercept_, f"ridge_fit の b (n={n}, d={d})", hint=hint)
    assert np.array_equal(X, X_before), "X が書きかわっています / X was changed"
    assert np.array_equal(y, y_before), "y が書きかわっています / y was changed"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-ridge-fit-many", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

w, b = ridge_fit(upper_train[:20, :6].copy(), lower_train[:20, :4].copy(), 1.0)
assert np.shape(w) == (6, 4), "y が (20, 4) なら w は (6, 4) です / for y of shape (20, 4), w is (6, 4)"
assert np.shape(b) == (4,), "y が (20, 4) なら b は (4,) です / for y of shape (20, 4), b is (4,)"
### BEGIN HIDDEN TESTS
from sklearn.linear_model import Ridge as RidgeReference

rng = np.random.default_rng(403)
X, Y = rng.standard_normal((15, 5)) + 1, rng.standard_normal((15, 3)) + np.array([0, 10, -20])
right = RidgeReference(alpha=4.0).fit(X, Y)
result = ridge_fit(X.copy(), Y.copy(), 4.0)
assert_tuple(result, ("w", "b"), "ridge_fit")
assert_close(result[0], right.coef_.T, "ridge_fit の w (m = 3)")
assert_close(result[1], right.intercept_, "ridge_fit の b (m = 3)")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 14 次の多項式のまま、λ だけを変えてみます。次数を減らさなくても、曲線は **滑らか** になります。
# λ が小さすぎると端で暴れ、大きすぎるとほとんど平らになり、鼻の明るさも目の暗さも消えてしまいます。

# %% [markdown] tags=["lang-en"]
# The degree stays 14, only λ changes: the curve becomes **smooth** without losing a single column. With λ too
# small it swings at the ends; with λ too large it is nearly flat, and nose and eyes are gone.

# %%
powers = np.polynomial.polynomial.polyvander(position, 14)[:, 1:]  # 切片の列は除く / without the column of ones
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(x_train, y_train, "ko", x_val, y_val, "C0s")  # 黒: 訓練、青: 検証 / black: training, blue: validation
for lam, colour in [(1e-9, "C4"), (1e-7, "C3"), (10.0, "C2")]:
    w, b = ridge_fit(powers[0::4], y_train, lam)
    val = 255 * rmse(powers[1::4] @ w + b, y_val)
    axis.plot(position, powers @ w + b, colour, label=f"λ = {lam:g}: {val:.1f}")
axis.set_ylim(0, 1)
axis.set_xlabel("位置 / position")
axis.set_ylabel("明るさ / brightness")
title = "検証 RMSE (階調) / validation RMSE (grey levels)"
axis.legend(fontsize=8, title=title, title_fontsize=8, loc="upper center", ncols=3)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 5. 縮めるか、切り捨てるか — L1 と L0 (8 点)
#
# 三つの罰則のちがいは、重みが **一つだけ** の問題で一番よく見えます。
# 罰則がなければ $z$ がよい、というところに罰則を加えます。
#
# $$\min_w \; \tfrac12 (w - z)^2 + \lambda \cdot \text{罰則}(w)$$
#
# | | 罰則 | 最小になる $w$ |
# |---|---|---|
# | L2 | $\tfrac12 w^2$ | $z / (1 + \lambda)$ (全体を同じ割合で縮める) |
# | L1 | $\lvert w \rvert$ | **ソフトしきい値**: 0 に向かって $\lambda$ だけ動かし、 0 を通り越すなら 0 |
# | L0 | $w \ne 0$ なら 1、 $w = 0$ なら 0 | **ハードしきい値**: そのまま残すか、 0 にするか |
#
# - ソフトしきい値の例 ($\lambda = 1$): $3 \to 2$、 $-3 \to -2$、 $0.4 \to 0$
# - ハードしきい値は「$z$ が大きければ $w = z$、小さければ $w = 0$」です。境目がどこになるかは、自分で考えてください。
#   $w = z$ のときの目的関数の値と、 $w = 0$ のときの値を比べれば分かります
#   (ちょうど境目の $z$ では、どちらを返しても正解です)
#
# 神経科学では、V1 の細胞は一度に少しだけが活動する (**疎な** 符号化) と考えられています。L1 と L0 は、その「疎」を作る罰則です。

# %% [markdown] tags=["lang-en"]
# ## Question 5. Shrink or cut: L1 and L0 (8 points)
#
# With a single weight the penalties differ most clearly: minimise $\tfrac12 (w - z)^2 + \lambda \cdot$ penalty.
# L2 scales: $z/(1+\lambda)$. L1 is the **soft threshold**: move towards 0 by λ, and stop at 0 (λ = 1: 3 → 2, −3 → −2,
# 0.4 → 0). L0 costs λ whenever $w \ne 0$; the **hard threshold** keeps $z$ as it is or makes it 0. Where is the border?
# Compare the objective at $w = z$ with the objective at $w = 0$ (right on the border, either is fine). In V1, few cells are
# thought to be active at a time (*sparse* coding); L1 and L0 are the penalties that make weights sparse.


# %% nbgrader={"grade": false, "grade_id": "thresholds", "locked": false, "schema_version": 3, "solution": true, "task": false}
def soft_threshold(z, lam):
    """L1: (w - z)**2 / 2 + lam * |w| を最小にする w / the w that minimises it.

    z   : 数、または任意の形の配列 / a number or an array of any shape
    lam : 0 以上の数 / a number, 0 or more
    返り値 / returns : z と同じ形 / same shape as z。z は書きかえない / z stays as it is
    """
    ### BEGIN SOLUTION
    return np.sign(z) * np.maximum(np.abs(z) - lam, 0.0)
    ### END SOLUTION


def hard_threshold(z, lam):
    """L0: (w - z)**2 / 2 + lam * (w != 0) を最小にする w / the w that minimises it.

    z   : 数、または任意の形の配列 / a number or an array of any shape
    lam : 0 以上の数 / a number, 0 or more
    返り値 / returns : z と同じ形 / same shape as z。z は書きかえない / z stays as it is
    """
    ### BEGIN SOLUTION
    return np.where(z**2 / 2 > lam, z, 0.0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-soft-threshold", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

z = np.array([3.0, -3.0, 0.4, -0.4, 0.0])
assert_close(soft_threshold(z, 1.0), [2, -2, 0, 0, 0], "soft_threshold")
assert_close(soft_threshold(2.5, 1.0), 1.5, "soft_threshold (数 / a number)")
assert np.array_equal(z, [3.0, -3.0, 0.4, -0.4, 0.0]), "z が書きかわっています / z was changed"
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(501)
# an independent reference: the best w on a fine grid (step 0.001, so right to half a step)
grid = np.arange(-5, 5.0005, 0.001)
for lam in (0.0, 0.3, 1.7):
    z = rng.uniform(-4, 4, (6, 3))
    right = grid[np.argmin((grid - z[..., None]) ** 2 / 2 + lam * np.abs(grid), axis=-1)]
    before = z.copy()
    assert_close(soft_threshold(z, lam), right, "soft_threshold", atol=6e-4)
    assert np.array_equal(z, before), "z が書きかわっています / z was changed"
for z, right in [(-2.25, -1.5), (0.5, 0.0), (-0.75, 0.0)]:
    assert_close(soft_threshold(z, 0.75), right, "soft_threshold (数 / a number)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-hard-threshold", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

z = np.array([3.0, -3.0, 0.4, -0.4, 0.0])
assert_close(hard_threshold(z, 1.0), [3, -3, 0, 0, 0], "hard_threshold")
assert_close(hard_threshold(-5.0, 1.0), -5.0, "hard_threshold (数 / a number)")
assert np.array_equal(z, [3.0, -3.0, 0.4, -0.4, 0.0]), "z が書きかわっています / z was changed"
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(502)
for lam in (0.0, 0.4, 2.5):
    z = rng.uniform(-4, 4, (5, 4))
    # two candidates are enough: w = z costs lam, w = 0 costs z^2 / 2; values at the border itself do not occur
    right = np.array([[value if lam < value * value / 2 else 0.0 for value in row] for row in z])
    before = z.copy()
    assert_close(
        hard_threshold(z, lam),
        right,
        "hard_threshold",
        hint="w = z と w = 0 のどちらの目的関数が小さいですか / which is smaller, the objective at z or at 0?",
    )
    assert np.array_equal(z, before), "z が書きかわっています / z was changed"
for z, right in [(1.3, 0.0), (1.5, 1.5), (-1.5, -1.5), (-1.3, 0.0)]:
    assert_close(hard_threshold(z, 1.0), right, "hard_threshold (数 / a number)")
### END HIDDEN TESTS

# %%
z = np.linspace(-4, 4, 801)
figure, axis = plt.subplots(figsize=(4, 3))
axis.plot(z, z, color="0.8", label="罰則なし / no penalty")
axis.plot(z, z / 2, label="L2 (λ = 1)")
axis.plot(z, soft_threshold(z, 1.0), label="L1 (λ = 1)")
axis.plot(z, hard_threshold(z, 1.0), label="L0 (λ = 1)")
axis.set_xlabel("罰則なしの解 z / without penalty")
axis.set_ylabel("罰則つきの解 w / with penalty")
axis.legend(fontsize=8)
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## 問 6. ラッソとエラスティックネット (12 点)
#
# L1 には、リッジのような一発の公式がありません。そこで重みを **一つずつ** 順番に直していきます (**座標降下法**)。
# 一つだけ動かすなら、問 5 のソフトしきい値がそのまま答えになるからです。
#
# 目的関数は scikit-learn と同じにします。誤差の前の $\frac{1}{2n}$ に注意してください。
#
# $$J(\boldsymbol w, b) = \frac{1}{2n} \sum_{i=1}^n \bigl(y_i - b - \boldsymbol x_i^\top \boldsymbol w\bigr)^2
# + \lambda \Bigl( \rho \sum_j \lvert w_j \rvert + \frac{1-\rho}{2} \sum_j w_j^2 \Bigr)$$
#
# - $\rho$ (`l1_ratio`、0 以上 1 以下): L1 の割合。 $\rho = 1$ が **ラッソ**、その間が **エラスティックネット** です
# - 切片 $b$ にはやはり罰則をかけません (リッジと同じく、中心化して最後に求めます)
#
# 手順 ($\tilde{\boldsymbol x}_j$ は中心化した $X$ の **$j$ 列目**、 $\boldsymbol r$ は残差です):
#
# 1. $\boldsymbol w = \boldsymbol 0$、 $\boldsymbol r = \tilde{\boldsymbol y}$ から始める
# 2. $j = 1, \dots, d$ について順に
#    - $s_j = \frac1n \tilde{\boldsymbol x}_j^\top \tilde{\boldsymbol x}_j$、
#      $\;c_j = \frac1n \tilde{\boldsymbol x}_j^\top \boldsymbol r + s_j w_j$
#    - $w_j^{\text{新}} = \dfrac{S(c_j,\, \lambda\rho)}{s_j + \lambda(1-\rho)}$ ($S$ はソフトしきい値)
#    - **すぐに** 残差を直す: $\boldsymbol r \leftarrow \boldsymbol r - \tilde{\boldsymbol x}_j\,(w_j^{\text{新}} - w_j)$
# 3. 2 を `n_sweeps` 周くり返し、 $b = \bar y - \bar{\boldsymbol x}^\top \boldsymbol w$
#
# いつも同じ値の列 (たとえば、どの写真でも真っ黒な隅の画素) では $s_j = 0$ です。その重みは 0 のままにして、
# 0 での割り算を避けてください。
#
# 問 5 の `soft_threshold` を呼んでも、ここに直接書いてもかまいません。

# %% [markdown] tags=["lang-en"]
# ## Question 6. Lasso and elastic net (12 points)
#
# L1 has no closed form. **Coordinate descent** mends one weight at a time, where question 5's soft threshold is the
# answer. The objective is scikit-learn's; mind its $\frac{1}{2n}$. `l1_ratio` = ρ mixes L1 (ρ = 1: the lasso) with L2. The
# intercept is not penalised: centre, and compute it at the end. For each column $j$ in turn: $s_j$, $c_j$ and the new
# weight as above, then mend the residual $\boldsymbol r$ **at once**. Repeat for `n_sweeps` sweeps. A column that never
# changes (a corner that is black in every picture) has $s_j = 0$: leave its weight at 0 and do not divide. Call your
# `soft_threshold` or write it out here, as you like.


# %% nbgrader={"grade": false, "grade_id": "elastic-net", "locked": false, "schema_version": 3, "solution": true, "task": false}
def elastic_net_fit(X, y, lam, l1_ratio=1.0, n_sweeps=200):
    """座標降下法によるラッソとエラスティックネット / lasso and elastic net by coordinate descent.

    X        : (n, d) の配列 / inputs
    y        : (n,) の配列 / targets
    lam      : 正則化の強さ (0 より大きい) / strength, > 0
    l1_ratio : L1 の割合 (0〜1)。1 ならラッソ / share of L1, 0 to 1; 1 is the lasso
    n_sweeps : 全部の重みを何周直すか / how often to go through all weights
    返り値 / returns : (w, b)。w は (d,)、b は数 / w (d,) and a number b
    X と y は書きかえない / X and y stay as they are
    """
    ### BEGIN SOLUTION
    n, d = X.shape
    x_mean, y_mean = X.mean(axis=0), y.mean()
    columns = (X - x_mean).T  # columns[j] is column j of the centred X
    s = (columns**2).sum(axis=1) / n
    w, r = np.zeros(d), y - y_mean
    for _ in range(n_sweeps):
        for j in np.flatnonzero(s > 0):
            c = columns[j] @ r / n + s[j] * w[j]
            # the soft threshold, written out so that this question stands alone
            new = np.sign(c) * max(abs(c) - lam * l1_ratio, 0.0) / (s[j] + lam * (1 - l1_ratio))
            r -= columns[j] * (new - w[j])
            w[j] = new
    return w, y_mean - x_mean @ w
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-lasso", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from sklearn.linear_model import ElasticNet as ElasticNetReference

from facelab.testing import assert_close, assert_tuple

# 列が一本なら一周で解ける: c = 8/3, s = 8/3 / one column: done after one sweep
result = elastic_net_fit(np.array([[-2.0], [0.0], [2.0]]), np.array([8.0, 10.0, 12.0]), 2.0, n_sweeps=1)
assert_tuple(result, ("w", "b"), "elastic_net_fit")
assert_close(result[0], [0.25], "w", hint="1/n を忘れていませんか / did you forget 1/n?")
assert_close(result[1], 10.0, "b", hint="切片に罰則はありません / the intercept is not penalised")
# scikit-learn と同じ答え / the same as scikit-learn
rng = np.random.default_rng(6)
X = rng.standard_normal((30, 5)) + 3
y = X @ np.array([2.0, -1.0, 0, 0, 0.5]) + 7
right = ElasticNetReference(alpha=0.3, l1_ratio=1.0, tol=1e-10, max_iter=100_000).fit(X, y)
w, b = elastic_net_fit(X, y, 0.3)
assert_close(w, right.coef_, "w", atol=1e-4, hint="残差をすぐに直していますか / do you mend the residual at once?")
assert_close(b, right.intercept_, "b", atol=1e-3)
### BEGIN HIDDEN TESTS
for seed, n, d, lam in [(601, 40, 6, 0.05), (602, 25, 8, 0.4), (603, 60, 4, 1.5)]:
    rng = np.random.default_rng(seed)
    # all columns share half of their variance, as the pixels of a face share its brightness
    X = rng.standard_normal((n, d)) + rng.standard_normal((n, 1)) + rng.uniform(-2, 2, d)
    y = X @ (rng.standard_normal(d) * (rng.random(d) < 0.6)) + 5 + 0.3 * rng.standard_normal(n)
    X_before, y_before = X.copy(), y.copy()
    right = ElasticNetReference(alpha=lam, l1_ratio=1.0, tol=1e-10, max_iter=100_000).fit(X_before, y_before)
    result = elastic_net_fit(X, y, lam)
    assert_tuple(result, ("w", "b"), "elastic_net_fit")
    # 200 sweeps on such columns end closer than 1e-6; 1e-4 leaves room for other stopping rules
    assert_close(result[0], right.coef_, f"w (n={n}, d={d})", atol=1e-4)
    assert_close(result[1], right.intercept_, f"b (n={n}, d={d})", atol=1e-3)
    assert np.array_equal(X, X_before), "X が書きかわっています / X was changed"
    assert np.array_equal(y, y_before), "y が書きかわっています / y was changed"
    small = np.abs(np.asarray(result[0], dtype=float)) < 1e-6
    assert np.array_equal(small, right.coef_ == 0), (
        "ラッソの重みのうち、0 になるべきものとそうでないものがちがいます / the wrong weights are 0"
    )
# columns at right angles do not disturb each other: one sweep is enough, whatever the method
rng = np.random.default_rng(604)
X = np.linalg.qr(np.column_stack([np.ones(10), rng.standard_normal((10, 3))]))[0][:, 1:] * [4.0, 7.0, 5.0] + 1.0
y = rng.standard_normal(10) * 5
right = ElasticNetReference(alpha=0.2, l1_ratio=1.0, tol=1e-10, max_iter=100_000).fit(X.copy(), y.copy())
result = elastic_net_fit(X.copy(), y.copy(), 0.2, n_sweeps=1)
assert_tuple(result, ("w", "b"), "elastic_net_fit")
assert_close(
    result[0],
    right.coef_,
    "w (n_sweeps=1)",
    atol=1e-4,
    hint="n_sweeps 周しましたか / do you go through all weights n_sweeps times?",
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-elastic-net", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from sklearn.linear_model import ElasticNet as ElasticNetReference

from facelab.testing import assert_close, assert_tuple

# L1 が 0 なら、列一本の答えは c / (s + λ) / without L1: c / (s + λ)
w, b = elastic_net_fit(np.array([[-2.0], [0.0], [2.0]]), np.array([8.0, 10.0, 12.0]), 8 / 3, l1_ratio=0.0)
assert_close(w, [0.5], "w (l1_ratio=0)", hint="L2 の分は分母に入ります / the L2 part goes into the denominator")
# そっくりな列は、重みを分け合う / twin columns share the weight
X = np.array([[-2.0, -2.0], [0.0, 0.0], [2.0, 2.0]])
w, b = elastic_net_fit(X, np.array([8.0, 10.0, 12.0]), 0.5, l1_ratio=0.5)
assert_close(w[0], w[1], "w[0] と w[1]", atol=1e-4)
### BEGIN HIDDEN TESTS
for seed, n, d, lam, l1_ratio in [(611, 40, 6, 0.2, 0.5), (612, 20, 30, 0.5, 0.3), (613, 50, 5, 2.0, 0.9)]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) + rng.standard_normal((n, 1)) + 1.0
    y = X @ (rng.standard_normal(d) * (rng.random(d) < 0.6)) - 4 + 0.3 * rng.standard_normal(n)
    right = ElasticNetReference(alpha=lam, l1_ratio=l1_ratio, tol=1e-10, max_iter=100_000).fit(X, y)
    result = elastic_net_fit(X.copy(), y.copy(), lam, l1_ratio)
    assert_tuple(result, ("w", "b"), "elastic_net_fit")
    assert_close(result[0], right.coef_, f"w (n={n}, d={d})", atol=1e-4)
    assert_close(result[1], right.intercept_, f"b (n={n}, d={d})", atol=1e-3)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-elastic-net-constant", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 二列目はいつも 0 (真っ黒な隅) / the second column is always 0, a black corner
X = np.array([[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]])
w, b = elastic_net_fit(X, np.array([8.0, 10.0, 12.0]), 2.0)
assert_close(w, [0.25, 0], "w (いつも同じ値の列 / a column that never changes)")
### BEGIN HIDDEN TESTS
from sklearn.linear_model import Lasso as LassoReference

for seed in (621, 622):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 5))
    X[:, 1], X[:, 4] = 0.0, 4.0
    y = X @ np.array([1.0, 0, -2.0, 0, 0]) + 3 + 0.1 * rng.standard_normal(30)
    right = LassoReference(alpha=0.1, tol=1e-10, max_iter=100_000).fit(X, y)
    w, b = elastic_net_fit(X.copy(), y.copy(), 0.1)
    assert_close(w, right.coef_, "w (いつも同じ値の列 / columns that never change)", atol=1e-4)
    assert_close(b, right.intercept_, "b (いつも同じ値の列 / columns that never change)", atol=1e-3)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# ### どの画素を見ているのか
#
# 今度は別のデータ (LFW, Labeled Faces in the Wild) で、25×25 の小さな画像が **顔か、顔でないか** を当てます。
# 目標は、顔なら +1、顔でなければ −1 です。訓練に使うのは 100 枚、重みは 625 個なので、これも不良設定です。
# 重みは画素ごとに一つずつあるので、**重みそのものを絵として** 見ることができます。
# 赤は「ここが明るいと顔らしい」、青は「ここが暗いと顔らしい」という意味です。色は絵ごとに、絶対値が最大の重みにそろえてあります。
# 重みが 0 の画素には、色のかわりに、うすい平均顔を描きました。
# 題の「画素」は 0 でない重みの数、% は訓練に使わなかった 100 枚での正解率です。
#
# - 罰則なし: 砂嵐のようで、人間には読めません
# - L2: 滑らかな「顔の型紙」が浮かびます
# - L1: ほとんどの画素が 0 になり、少しの画素だけが残ります (あなたの `elastic_net_fit` の結果です)
#
# L2 の λ は誤差の *和* に、L1 の λ は *平均の半分* に対する強さです (問 4 と問 6 の目的関数)。10 と 0.05 をそのまま比べることはできません。

# %% [markdown] tags=["lang-en"]
# ### Which pixels does it look at?
#
# Other data (LFW, Labeled Faces in the Wild): is a picture of 25×25 pixels a face (+1) or not (−1)? There are 100 pictures
# for training and 625 weights: ill-posed again. Each pixel has a weight, so the weights are a picture. Red: bright here
# means face; blue: dark here means face (each picture is scaled to its own largest weight); where the weight is 0 you see
# a pale mean face. The titles give the number of weights that are not 0, and the accuracy on the 100 pictures that were
# not used for training. Without a penalty it is noise, with L2 a smooth template of a face, with L1 (your
# `elastic_net_fit`) only a few pixels are left. λ goes with the *sum* of errors for L2 and with *half their mean* for L1,
# so 10 and 0.05 cannot be compared.

# %%
ols = LinearRegression().fit(pixels[known], target[known])
ridge = Ridge(alpha=10).fit(pixels[known], target[known])
models = [("罰則なし / no penalty", ols.coef_, ols.intercept_), ("L2 (λ = 10)", ridge.coef_, ridge.intercept_)]
for lam in (0.02, 0.05):
    w, b = elastic_net_fit(pixels[known], target[known], lam, n_sweeps=40)
    models.append((f"L1 (λ = {lam})", np.array(w), b))

mean_patch = patches.images[:100].mean(axis=0)
pictures, titles = [np.stack([mean_patch] * 3, axis=-1)], ["顔の平均\nmean of the faces"]
for name, w, b in models:
    correct = np.mean((pixels[~known] @ w + b > 0) == patches.is_face[~known])
    weights = w.reshape(25, 25, 1)
    colours = plt.cm.RdBu_r(0.5 + 0.5 * weights[:, :, 0] / np.abs(w).max())[:, :, :3]
    # 重みが 0 の画素には、うすい平均顔を / where the weight is 0, a pale mean face
    pictures.append(np.where(weights == 0, 0.5 + 0.5 * pictures[0], colours))
    titles.append(f"{name}\n{np.count_nonzero(w)} 画素 / pixels, {correct:.0%}")
show_images(pictures, titles=titles, inches=1.9)

# %% [markdown] tags=["lang-ja"]
# ## 記述 1 (7 点)
#
# λ = 0.05 のラッソは、**4 個ほどの画素** だけで、未知の写真の約 9 割を正しく分けます。
#
# 1. 残った画素は画像のどこにありますか。それはなぜ役に立つのだと思いますか。
#    `show_images(patches.images[:10])` と `show_images(patches.images[100:110])` を見て考えてください。
# 2. このラッソは「顔を認識している」と言えますか。それを確かめるには、どんな画像で試せばよいですか。
# 3. L2 の絵と L1 の絵のちがいを、問 5 のグラフの形から説明してください。
#
# 全部で 5〜10 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 1 (7 points)
#
# With λ = 0.05 the lasso keeps about **four pixels** and still sorts about 90 % of unseen photos. (1) Where are they, and
# why do they help? Look at `show_images(patches.images[:10])` and `show_images(patches.images[100:110])`. (2) Does this
# lasso recognise faces? With which pictures would you test that? (3) Explain the difference between the L2 and the L1
# picture by the shapes of the curves in question 5. Five to ten lines in all, in Japanese or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-shortcut", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 画像の一番上の、中央あたりに残っている。LFW の顔の切り抜きでは額がいつもそこにあり、明るい。
#    顔でない画像は端が暗かったり黒かったりすることが多い。だから「上の端の真ん中が明るいか」だけでかなり当たる。
# 2. 言えない。切り抜き方の癖 (近道) を使っているだけで、目も鼻も口も見ていない。顔の位置をずらした画像、前髪で額が隠れた顔、
#    上の端が明るい顔でない画像、別のデータベース (ORL など) の顔で試すと、成績が大きく下がるはずである。
# 3. L2 は z を同じ割合で縮めるだけなので、どの画素の重みも 0 にはならず、似た隣どうしが重みを分け合って滑らかな絵になる。
#    L1 は |z| が λ より小さいところを水平に 0 にするので、役に立つ少数の画素だけが残り、似た画素があっても代表の一つで済ませる。
#
# === BEGIN MARK SCHEME ===
# 1 (2 点): 場所 (上端の中央、額) に 1 点。役に立つ理由 (顔では明るい、顔でない画像の縁は暗い・黒い隅) に 1 点。
# 2 (3 点): 「言えない」またはそれと同じ内容に 1 点。近道・切り抜きの癖であるという理由に 1 点。
#    確かめ方 (ずらす、額を隠す、別のデータ、明るい縁の背景など、結果を左右するもの) に 1 点。
#    「もっとデータを増やす」だけなら確かめ方の点はない。
# 3 (2 点): L2 は割合で縮めるだけで 0 にならないこと (滑らか・分け合う) に 1 点、L1 は小さいものを 0 にすることに 1 点。
#    問 5 の曲線に触れていなければ、合わせて 1 点まで。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## 問 7. 罰則は損失に足すだけ — PyTorch (11 点)
#
# 深層学習でも、正則化は「損失に罰則の項を足す」だけです。微分は PyTorch (autograd) に任せます。
# 入力 $\boldsymbol x$ から一つの数を出す線形層 `torch.nn.Linear(d, 1)` を、次の損失が小さくなるように学習させてください。
#
# $$L(\boldsymbol w, b) = \frac1n \sum_{i=1}^n \bigl(y_i - b - \boldsymbol x_i^\top \boldsymbol w\bigr)^2 + \lambda\,R(\boldsymbol w),
# \qquad R(\boldsymbol w) = \begin{cases} \sum_j w_j^2 & (\texttt{"l2"}) \\ \sum_j \lvert w_j \rvert & (\texttt{"l1"}) \end{cases}$$
#
# 学習のくり返しはいつも同じ形です。
#
# ```python
# for step in range(200):
#     optimizer.zero_grad()    # 前の勾配を消す
#     loss = ...               # 誤差 + λ × 罰則
#     loss.backward()          # 微分
#     optimizer.step()         # 重みを少し動かす
# ```
#
# 毎年くり返される失敗:
#
# - `for p in model.parameters():` の **中で** `loss` に罰則を足し、重みを何重にも数える。バイアスまで罰する
# - `optimizer` の `weight_decay=λ` で済ませる (バイアスも罰され、係数も 2 倍ちがいます)
# - `model(X)` の形は (n, 1)、`y` の形は (n,)。そのまま引くと (n, n) になり、**誰も文句を言わないまま** 何も学習しません
#
# `X` は、各列を平均 0・標準偏差 1 くらいにそろえた形で渡されます。全データをまとめて使うなら、
# `torch.optim.SGD(..., lr=0.1)` で 200 回ほど回せば十分です
# (ほかの最適化法でもかまいません。そのときは、十分に収束する学習率と回数を自分で選んでください)。

# %% [markdown] tags=["lang-en"]
# ## Question 7. The penalty is one more term of the loss: PyTorch (11 points)
#
# Train `torch.nn.Linear(d, 1)` on the loss above: mean squared error + λ × penalty of the **weights** ("l2": sum of
# squares, "l1": sum of absolute values), and let autograd differentiate. Mistakes of every year: adding the penalty to
# `loss` inside `for p in model.parameters()` (counts weights again and again, and the bias, too); `weight_decay=λ` instead
# (bias penalised, and another factor); `model(X)` is (n, 1) and `y` is (n,): their difference is (n, n), and nothing is
# learnt, silently. Columns of `X` come with mean about 0 and standard deviation about 1; with all data at once,
# `torch.optim.SGD(..., lr=0.1)` and 200 steps will do; other optimisers are fine, with a rate and
# a number of steps that let them converge.


# %% nbgrader={"grade": false, "grade_id": "train-linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_linear(X, y, lam, penalty="l2"):
    """罰則つきの線形層を学習させる / train a linear layer with a penalty on its weights.

    X       : (n, d) float32 のテンソル。列は平均 0、標準偏差 1 くらい / standardised columns
    y       : (n,) float32 のテンソル / targets
    lam     : 罰則の強さ / strength
    penalty : "l2" または "l1"。それ以外は ValueError / anything else: ValueError
    返り値 / returns : (w, b)。w は (d,) のテンソル、b は数または形 () のテンソル
        w a tensor (d,), b a number or a tensor of shape ()
    """
    ### BEGIN SOLUTION
    if penalty not in ("l1", "l2"):
        raise ValueError(f"penalty must be 'l1' or 'l2': {penalty!r}")
    model = torch.nn.Linear(X.shape[1], 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        error = torch.mean((model(X).squeeze(1) - y) ** 2)
        size = model.weight.abs().sum() if penalty == "l1" else model.weight.square().sum()
        loss = error + lam * size
        loss.backward()
        optimizer.step()
    return model.weight.detach().squeeze(0), model.bias.detach().squeeze(0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-train-linear-l2", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# 列一本: w = 平均(xy) / (平均(x²) + λ)、b = y の平均 / one column
x = torch.tensor([[-1.0], [1.0], [-1.0], [1.0]])
y = torch.tensor([18.0, 22.0, 18.0, 22.0])
result = train_linear(x, y, 1.0)
assert_tuple(result, ("w", "b"), "train_linear")
assert_close(
    result[0],
    [1.0],
    "train_linear の w",
    atol=0.02,
    hint="0 に近いなら引き算の形を、ほかなら罰則を何回足しているか、くり返しが足りているかを確かめましょう / "
    "near 0: shapes in the subtraction; else: how often is the penalty added? enough steps?",
)
assert_close(
    result[1],
    20.0,
    "train_linear の b",
    atol=0.05,
    hint="バイアスまで罰していませんか。くり返しは足りていますか / is the bias penalised? enough steps?",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(701)
n, d, lam = 50, 4, 0.5
X = rng.standard_normal((n, d))
X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
y = (X @ rng.uniform(1, 3, d) + 8 + 0.1 * rng.standard_normal(n)).astype(np.float32)
# closed form of the same loss: (X'X / n + lam I) w = X'y / n, and b the mean, for the columns have mean 0
exact = X.astype(float)
right = np.linalg.solve(exact.T @ exact / n + lam * np.eye(d), exact.T @ (y - y.mean()) / n)
result = train_linear(torch.from_numpy(X.copy()), torch.from_numpy(y.copy()), lam)
assert_tuple(result, ("w", "b"), "train_linear")
# float32 and a finite number of steps; the typical mistakes are off by 0.2 and more
assert_close(result[0], right, "train_linear の w", atol=0.03)
assert_close(result[1], y.mean(), "train_linear の b", atol=0.05)
try:
    train_linear(torch.zeros(3, 1), torch.zeros(3), 1.0, penalty="L3")
except ValueError:
    pass
else:
    raise AssertionError('penalty が "l1" でも "l2" でもないときは ValueError を / ValueError for another penalty')
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-train-linear-l1", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close, assert_tuple

# 列一本: w = ソフトしきい値(平均(xy), λ/2) / one column: soft threshold of mean(xy) by λ/2
x = torch.tensor([[-1.0], [1.0], [-1.0], [1.0]])
y = torch.tensor([18.0, 22.0, 18.0, 22.0])
w, b = train_linear(x, y, 1.0, penalty="l1")
assert_close(w, [1.5], "train_linear の w (l1)", atol=0.05)
assert_close(b, 20.0, "train_linear の b (l1)", atol=0.05)
### BEGIN HIDDEN TESTS
from sklearn.linear_model import Lasso as LassoReference

rng = np.random.default_rng(702)
n, d, lam = 60, 4, 1.0
X = rng.standard_normal((n, d))
X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
y = (X @ np.array([3.0, -2.0, 0.1, 0.0]) + 8 + 0.1 * rng.standard_normal(n)).astype(np.float32)
# scikit-learn's objective is half of this loss when its alpha is lam / 2
right = LassoReference(alpha=lam / 2, tol=1e-10).fit(X.astype(float), y.astype(float))
result = train_linear(torch.from_numpy(X.copy()), torch.from_numpy(y.copy()), lam, penalty="l1")
assert_tuple(result, ("w", "b"), "train_linear")
# the gradient of |w| jumps at 0, so plain gradient descent swings by lr * lam = 0.1 around it
assert_close(result[0], right.coef_, "train_linear の w (l1)", atol=0.15)
assert_close(result[1], right.intercept_, "train_linear の b (l1)", atol=0.1)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 閉じた式 (問 4) と学習 (問 7) は、同じ谷底に着くでしょうか。二つの目的関数では λ の意味がちがいます
# (問 4 は誤差の *和*、問 7 は *平均*) ので、換算が要ります。

# %% [markdown] tags=["lang-en"]
# Do the closed form (question 4) and training (question 7) end in the same valley? λ goes with the *sum* of errors in
# one and with their *mean* in the other, so it has to be converted.

# %%
rng = np.random.default_rng(7)
X = rng.standard_normal((100, 3))
y = X @ np.array([2.0, -1.0, 0.0]) + 5
w_trained, b_trained = train_linear(torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32), 0.5)
w_closed, b_closed = ridge_fit(X, y, 0.5 * 100)  # 平均の λ を n 倍すると和の λ / n times as much for the sum
print(
    "PyTorch                :",
    torch.as_tensor(w_trained).detach().numpy().round(3),
    torch.as_tensor(b_trained).detach().numpy().round(3),
)
print("閉じた式 / closed form :", np.round(w_closed, 3), np.round(b_closed, 3))

# %% [markdown] tags=["lang-ja"]
# ---
# # C. マスクの下の顔
#
# いよいよ、顔の上半分 (512 画素) から下半分 (512 画素) を当てます。
# 訓練に使える写真は 300 枚。未知の重みは、下半分の画素 **一つにつき** 512 個もあります。方程式より未知数が多い、本物の不良設定問題です。
#
# ここからは scikit-learn の `Ridge(alpha=λ)` を使ってかまいません。中身は、もう自分で書きました。
#
# ```python
# model = Ridge(alpha=10.0).fit(X, Y)   # Y は (n, m) でもよい
# model.predict(X_new)
# ```
#
# ## 問 8. λ を選ぶ — 人で分けた交差検証 (11 点)
#
# λ はどう選べばよいでしょうか。テスト用の 10 人を使うわけにはいきません。訓練用のデータを $K$ 個の組に分け、
# 「一組を検証に、残りを訓練に」を $K$ 回くり返して平均します (**$K$ 分割交差検証**)。
#
# 落とし穴が一つあります。データには同じ人の写真が 10 枚ずつあり、互いによく似ています。
# **写真を** ばらばらに分けると、検証用の写真の「ほぼ同じ写真」が訓練側に入り、検証が甘くなります。
# 知りたいのは *知らない人* での成績ですから、**人を** 単位に分けなければなりません。
#
# 組分けは次のとおりに決めます。
#
# 1. 人の番号を小さい順に並べる (`np.unique(person)`)
# 2. 先頭から $0, 1, 2, \dots$ と数えて、 $k$ 人目を「$k$ を `n_folds` で割った余り」の組に入れる
#
# それぞれの λ について、 $K$ 個の検証 RMSE (その組の全部の画素にわたる RMSE) の **平均** を求め、それが最小の λ を選びます。

# %% [markdown] tags=["lang-en"]
# ---
# # C. The face under the mask
#
# Now 512 pixels from 512 pixels, with 300 pictures: for every single output pixel there are more unknown weights than
# equations. From here on you may use scikit-learn's `Ridge(alpha=λ)`; you have written its inside yourself.
#
# ## Question 8. Choose λ: cross-validation grouped by person (11 points)
#
# The ten test persons must not choose λ. Split the training data into `n_folds` folds, validate on each in turn, train on
# the others. Ten pictures show the same person: split by *picture*, and nearly the same picture stands on both sides.
# We want to know about strangers, so split by **person**: sort the persons (`np.unique(person)`), count them from 0, and
# the k-th goes into fold k modulo `n_folds`. For each λ take the **mean** of the folds' validation RMSE (over all pixels
# of the fold); choose the λ with the smallest mean.


# %% nbgrader={"grade": false, "grade_id": "choose-lambda", "locked": false, "schema_version": 3, "solution": true, "task": false}
def choose_lambda(X, Y, person, lams, n_folds=5):
    """人を単位とした交差検証で λ を選ぶ / choose lambda by cross-validation grouped by person.

    X       : (n, d) の配列 / inputs
    Y       : (n,) または (n, m) の配列 / targets
    person  : (n,) 整数。どの人の写真か。番号はとびとびでも、順不同でもよい / who; any numbers, in any order
    lams    : 試す λ (正の数) の並び。順不同でもよい / the lambdas to try, all > 0, in any order
    n_folds : 組の数 (2 以上、人数以下) / number of folds, from 2 to the number of persons
    返り値 / returns : (best, errors)。best は lams の一つ、errors は (len(lams),) で平均検証 RMSE
        best is one of lams, errors (len(lams),) the mean validation RMSE of each
    """
    ### BEGIN SOLUTION
    _, number = np.unique(person, return_inverse=True)  # persons counted from 0, in the order of their numbers
    fold = number % n_folds
    errors = np.zeros(len(lams))
    for k in range(n_folds):
        held_out = fold == k
        for index, lam in enumerate(lams):
            model = Ridge(alpha=lam).fit(X[~held_out], Y[~held_out])
            errors[index] += rmse(model.predict(X[held_out]), Y[held_out]) / n_folds
    return lams[int(np.argmin(errors))], errors
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-choose-lambda-errors", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
from sklearn.linear_model import Ridge as RidgeReference
from sklearn.model_selection import LeaveOneGroupOut, PredefinedSplit

from facelab.testing import assert_close, assert_tuple

# 人数と組の数が同じなら「一人を抜く」交差検証 / as many folds as persons: leave one person out
rng = np.random.default_rng(8)
X, Y = rng.standard_normal((12, 3)), rng.standard_normal((12, 2))
person = np.repeat([0, 1, 2], 4)
right = []
for lam in [0.1, 10.0]:
    folds = []
    for train, val in LeaveOneGroupOut().split(X, Y, person):
        miss = RidgeReference(alpha=lam).fit(X[train], Y[train]).predict(X[val]) - Y[val]
        folds.append(np.sqrt(np.mean(miss**2)))
    right.append(np.mean(folds))
result = choose_lambda(X, Y, person, [0.1, 10.0], n_folds=3)
assert_tuple(result, ("best", "errors"), "choose_lambda")
assert_close(
    result[1],
    right,
    "errors",
    hint="同じ人の写真が訓練と検証の両方に入っていませんか / is a person on both sides of the split?",
)
### BEGIN HIDDEN TESTS
for seed, n_persons, n_folds, shape in [(801, 7, 3, (2,)), (802, 10, 5, ()), (803, 5, 2, (4,))]:
    rng = np.random.default_rng(seed)
    # persons have scattered numbers, unequal numbers of pictures, and stand in no order
    numbers = rng.choice(100, n_persons, replace=False)
    person = rng.permutation(np.repeat(numbers, rng.integers(2, 7, n_persons)))
    n = len(person)
    trait = rng.standard_normal((100, 6))
    X = trait[person] + 0.3 * rng.standard_normal((n, 6))
    Y = rng.standard_normal((100, *shape))[person] + X[:, :1].reshape((n,) + (1,) * len(shape))
    lams = [5.0, 0.01, 200.0, 1.0]
    fold = np.array([sorted(numbers.tolist()).index(who) % n_folds for who in person])
    right = []
    for lam in lams:
        folds = []
        for train, val in PredefinedSplit(fold).split():
            miss = RidgeReference(alpha=lam).fit(X[train], Y[train]).predict(X[val]) - Y[val]
            folds.append(np.sqrt(np.mean(miss**2)))
        right.append(np.mean(folds))
    result = choose_lambda(X.copy(), Y.copy(), person.copy(), list(lams), n_folds)
    assert_tuple(result, ("best", "errors"), "choose_lambda")
    assert_close(
        result[1],
        right,
        f"errors ({n_persons} 人 / persons)",
        # every solver of these small systems agrees to about 1e-10
        rtol=1e-5,
        hint="組分けは問題文のとおりですか。RMSE は組ごとに求めて平均しますか / folds as described? mean of the folds' RMSE?",
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-choose-lambda-choice", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 目標が入力と無関係なら、強い正則化が勝つ / targets unrelated to inputs: the strongest penalty wins
rng = np.random.default_rng(80)
person = np.repeat(np.arange(6), 3)
best, errors = choose_lambda(rng.standard_normal((18, 10)), rng.standard_normal(18), person, [1000.0, 0.001], n_folds=3)
assert best in (1000.0, 0.001), "best は lams の中の一つです (番号ではありません) / best is one of lams, not its index"
assert_close(best, 1000.0, "best", hint="誤差が最小の λ ですか / is it the lambda with the smallest error?")
### BEGIN HIDDEN TESTS
from sklearn.linear_model import Ridge as RidgeReference
from sklearn.model_selection import PredefinedSplit

chosen = set()
for seed, noise in [(811, 0.05), (812, 0.3), (813, 3.0)]:
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(8), 4)
    trait = rng.standard_normal((8, 12))
    X = trait[person] + 0.2 * rng.standard_normal((32, 12))
    Y = X @ rng.standard_normal((12, 2)) + noise * rng.standard_normal((8, 2))[person]
    lams = [3.0, 0.03, 30.0, 0.3, 300.0]
    right = np.zeros(5)
    for train, val in PredefinedSplit(person % 4).split():
        for index, lam in enumerate(lams):
            miss = RidgeReference(alpha=lam).fit(X[train], Y[train]).predict(X[val]) - Y[val]
            right[index] += np.sqrt(np.mean(miss**2))
    if np.sort(right)[1] < 1.0005 * right.min():
        raise RuntimeError("too close to call: mend the seeds of this test")
    chosen.add(int(np.argmin(right)))
    best, errors = choose_lambda(X, Y, person, lams, 4)
    assert_close(best, lams[int(np.argmin(right))], "best", hint="誤差が最小の λ ですか / the smallest error?")
if len(chosen) < 2:
    raise RuntimeError("this test always wants the same lambda: mend its seeds")
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔で λ を選びましょう。二行目は、`person` のかわりに写真の通し番号を渡したもの、つまり **写真で** 分けた交差検証です。
# 誤差がずいぶん小さく見え、選ばれる λ も変わります。どちらが本当の成績に近いかは、すぐ下で分かります。
# 誤差は λ の順に、階調の単位で並んでいます。

# %% [markdown] tags=["lang-en"]
# Choose λ for the faces. The second line hands in a running number in place of the person: that splits by **picture**.
# Its errors look much better and it chooses another λ. Which of the two is honest? You will see below. Errors are in grey
# levels, in the order of λ.

# %%
lams = [0.1, 1.0, 10.0, 100.0, 1000.0]
best_lam, by_person = choose_lambda(upper_train, lower_train, person_train, lams)
leaky_lam, by_picture = choose_lambda(upper_train, lower_train, np.arange(len(person_train)), lams)
print("λ:", lams)
print("人で分ける / by person   :", (255 * np.array(by_person)).round(1), "→ λ =", best_lam)
print("写真で分ける / by picture :", (255 * np.array(by_picture)).round(1), "→ λ =", leaky_lam)

# %% [markdown] tags=["lang-ja"]
# ## 図: マスクの下 (6 点)
#
# テスト用の 10 人の 1 枚目 (`upper_test[::10]` と `lower_test[::10]`) について、次の 4 段を並べた図を作ってください。
# 上半分はどの段も本物のままで、下半分だけを取りかえます。
#
# 1. 正解
# 2. 平均顔 (下半分を、訓練用 300 枚の下半分の平均にする)
# 3. 最小二乗 (`LinearRegression().fit(upper_train, lower_train)`)
# 4. リッジ (`Ridge(alpha=...)`、λ は問 8 で選んだもの。問 8 がまだなら 10)
#
# あわせて、2〜4 のテスト RMSE (**下半分の画素だけ**、テスト用の **100 枚全部**、255 倍して階調の単位) を `print` してください。
# 道具は `join_halves`、`show_images(..., columns=10, row_labels=[...], value_range=(0, 1))`、`rmse` です。
# 段の名前を必ず付け、できた図を **よく見て** ください。この図は人が採点します。

# %% [markdown] tags=["lang-en"]
# ## The picture: under the mask (6 points)
#
# For the first picture of each of the ten test persons (`upper_test[::10]`, `lower_test[::10]`) show four labelled rows:
# the truth; the mean face (mean lower half of the 300 training pictures); least squares (`LinearRegression`); ridge with
# the λ of question 8 (or 10). The upper half is always the true one. Print the test RMSE of the last three over **all
# 100** test pictures, **lower halves only**, times 255 (grey levels). Tools: `join_halves`, `show_images(..., columns=10, row_labels=[...], value_range=(0, 1))`, `rmse`. A person
# marks this one.

# %% nbgrader={"grade": true, "grade_id": "face-panel", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
predictions = {
    "平均顔": np.tile(lower_train.mean(axis=0), (100, 1)),
    "最小二乗": LinearRegression().fit(upper_train, lower_train).predict(upper_test),
    "リッジ": Ridge(alpha=10.0).fit(upper_train, lower_train).predict(upper_test),
}
rows = [join_halves(upper_test[::10], lower_test[::10])]
for name, prediction in predictions.items():
    print(f"{name}: {255 * rmse(prediction, lower_test):.1f} 階調")
    rows.append(join_halves(upper_test[::10], prediction[::10]))
show_images(np.concatenate(rows), columns=10, row_labels=["正解", *predictions], value_range=(0, 1), inches=0.9)
# === BEGIN MARK SCHEME ===
# 2 点: 4 段 x 10 人が正しい順に並び、段の名前が付いている (名前がなければ 1 点)。
# 2 点: 三つの予測が正しい (最小二乗は砂嵐のよう、リッジはぼんやりした顔)。訓練データの人を使っていれば 0 点。
# 2 点: 三つの RMSE が 100 枚全部で、階調の単位で表示されている (平均顔 35.4、最小二乗 49.6、リッジ 28.4。
#       λ がちがえばリッジの値もちがってよい)。10 枚だけで求めていれば 1 点。
# === END MARK SCHEME ===
### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## 記述 2 (7 点)
#
# 1. 最小二乗の訓練誤差 (`lower_train` の RMSE) を、セルを足して計算し、テスト誤差と並べて書いてください。
#    最小二乗は、何も考えない平均顔よりテスト誤差が大きくなりました。なぜですか。未知数と方程式の数を使って説明してください。
# 2. リッジの予測は、なぜぼんやりしているのですか。λ をとても大きくすると、予測は何に近づきますか。
# 3. 問 8 の「写真で分けた」交差検証と「人で分けた」交差検証では、選ばれた λ の誤差は、どちらがリッジのテスト RMSE に近かったですか。
#    それはなぜですか。
#
# 全部で 6〜12 行ほどでよいです。

# %% [markdown] tags=["lang-en"]
# ## Written question 2 (7 points)
#
# (1) Compute the training error of least squares (the RMSE on `lower_train`, in a cell of your own) and set it beside its
# test error. Why does it do worse than the mean face? Argue with the numbers of unknowns and equations. (2) Why is the
# ridge prediction blurred? What does it come to when λ gets very large? (3) In question 8, which error of the chosen λ came
# closer to the test RMSE of ridge, the one split by picture or by person, and why? Six to twelve lines in all, in Japanese
# or English.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written-overfitting", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1. 訓練 RMSE はほぼ 0 (1e-12 階調)、テスト RMSE は 49.6 階調。下半分の 1 画素につき未知数は 512 個 (と切片)、方程式は 300 本しかないので、
#    訓練データをぴったり通る重みが無数にある。最小二乗は、300 枚の個人差や雑音まで覚え込んだ (過剰適合)。
#    知らない人では、覚え込んだ細かい重みが雑音を増幅し、平均顔 (35.4) より悪くなった。
# 2. 大きな重みが許されないので、上半分から確実に言えること (全体の明るさ、照明の向き、顔の輪郭) だけが残り、
#    口の形のように決められない細部は平均に近づく。λ を限りなく大きくすると w は 0 になり、予測は切片だけ、つまり平均顔になる。
# 3. 人で分けた誤差 (28.7) がテスト RMSE (28.4) に近い。写真で分けた誤差 (22.1) は、検証する人のほかの写真が訓練側にあるので甘い。
#    テストの 10 人は訓練に一枚もないのだから、人で分けたほうが同じ状況になっている。
#
# === BEGIN MARK SCHEME ===
# 1 (3 点): 訓練誤差がほぼ 0 であることとテスト誤差の値に 1 点。未知数 512 (513) が方程式 300 より多いことに 1 点。
#    雑音や個人差を覚えた (過剰適合) という説明に 1 点。
# 2 (2 点): ぼんやりする理由 (重みが抑えられ、決められない細部は平均に近づく) に 1 点。λ → ∞ で平均顔、に 1 点。
#    「0 になる」「真っ黒になる」は切片を忘れているので 0 点。
# 3 (2 点): 「人で分けたほう」に 1 点。同じ人の写真が両側に入る (漏れ) という理由に 1 点。
# === END MARK SCHEME ===
# ### END SOLUTION

# %% [markdown] tags=["lang-ja"]
# ## 問 9. データは多いほどよいのか (7 点)
#
# 最後に、不思議な曲線を見ましょう。訓練に使う枚数 $n$ を少しずつ増やし、テスト誤差を調べます。
#
# 訓練データの **先頭から** $n$ 枚だけを使って学習し、テストデータ全体の RMSE を求めることを、`sizes` の各 $n$ についてくり返してください。
#
# - `lam` が 0 より大きければリッジ回帰です: `Ridge(alpha=lam)`
# - `lam` が 0 なら罰則なしの最小二乗です: `LinearRegression()`。
#   これは切片つきで、解が無数にあるときは長さ最小のものを選びます (問 2 と同じ)

# %% [markdown] tags=["lang-en"]
# ## Question 9. Is more data always better? (7 points)
#
# For each n in `sizes`: train on the **first** n rows of the training data, and take the RMSE on all test data.
# `lam` > 0: ridge, `Ridge(alpha=lam)`. `lam` = 0: least squares, `LinearRegression()`, which has an intercept and takes
# the shortest solution where there are many, as in question 2.


# %% nbgrader={"grade": false, "grade_id": "error-by-size", "locked": false, "schema_version": 3, "solution": true, "task": false}
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    """訓練データの数とテスト誤差 / test error against the number of training data.

    X_train, X_test : (n, d) と (k, d) の配列 / inputs
    Y_train, Y_test : (n,) と (k,)、または (n, m) と (k, m) / targets
    sizes : 使う枚数の並び。それぞれ 2 以上 n 以下 / how many rows to use, each from 2 to n
    lam   : 0 以上。0 なら最小二乗 (切片つき、長さ最小) / 0 or more; 0: least squares, with intercept, shortest
    返り値 / returns : (len(sizes),) テスト RMSE / test RMSE
    """
    ### BEGIN SOLUTION
    errors = []
    for n in sizes:
        model = LinearRegression() if lam == 0 else Ridge(alpha=lam)
        model.fit(X_train[:n], Y_train[:n])
        errors.append(rmse(model.predict(X_test), Y_test))
    return np.array(errors)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test-error-by-size-ols", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# 2 点を通る直線で、3 点目を当てる / a line through two points, tried on a third
X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 4.0])
errors = error_by_size(X, Y, np.array([[2.0]]), np.array([4.0]), [2], 0)
assert_close(errors, [2.0], "error_by_size (lam=0)", hint="先頭の n 行だけを使いましたか / only the first n rows?")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(901)
d = 8
X, X_new = rng.standard_normal((60, d)) + 2, rng.standard_normal((25, d)) + 2
truth = rng.standard_normal((d, 2))
Y, Y_new = X @ truth + 5 + rng.standard_normal((60, 2)), X_new @ truth + 5 + rng.standard_normal((25, 2))
sizes = [3, 6, 20, 60, 12]
right = []
for n in sizes:
    # an independent way: the pseudo-inverse of the centred data
    w = np.linalg.pinv(X[:n] - X[:n].mean(axis=0), rcond=1e-10) @ (Y[:n] - Y[:n].mean(axis=0))
    miss = (X_new - X[:n].mean(axis=0)) @ w + Y[:n].mean(axis=0) - Y_new
    right.append(np.sqrt(np.mean(miss**2)))
errors = error_by_size(X.copy(), Y.copy(), X_new.copy(), Y_new.copy(), list(sizes), 0)
assert_close(
    errors,
    right,
    "error_by_size (lam=0)",
    # the smallest systems have condition numbers below 1e3
    rtol=1e-5,
    hint="切片つき・長さ最小の最小二乗ですか。誤差はテストデータですか / intercept? shortest solution? test data?",
)
errors = error_by_size(X, Y[:, 0], X_new, Y_new[:, 0], [10, 30], 0)
assert_close(np.shape(errors), (2,), "error_by_size (Y が (n,) のとき / Y of shape (n,)) の形 / shape")
# the last column is the sum of two others in training, but not in the test: only the shortest solution predicts well
for seed in (903, 905):
    rng = np.random.default_rng(seed)
    X, X_new = rng.standard_normal((30, 5)) + 2, rng.standard_normal((20, 5)) + 2
    X[:, 4] = X[:, 0] + X[:, 1]
    Y, Y_new = X @ rng.uniform(1, 2, (5, 2)) + 5, X_new @ rng.uniform(1, 2, (5, 2)) + 5
    sizes = [7, 12, 18, 24, 30]
    right = []
    for n in sizes:
        w = np.linalg.pinv(X[:n] - X[:n].mean(axis=0), rcond=1e-10) @ (Y[:n] - Y[:n].mean(axis=0))
        miss = (X_new - X[:n].mean(axis=0)) @ w + Y[:n].mean(axis=0) - Y_new
        right.append(np.sqrt(np.mean(miss**2)))
    errors = error_by_size(X.copy(), Y.copy(), X_new.copy(), Y_new.copy(), list(sizes), 0)
    assert_close(
        errors,
        right,
        "error_by_size (列が独立でない / dependent columns)",
        rtol=1e-5,
        hint="lam が 0 なら LinearRegression で、長さ最小の解を / lam = 0: LinearRegression, the shortest solution",
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test-error-by-size-ridge", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from facelab.testing import assert_close

# λ がとても大きければ、予測は平均になる / a very large λ predicts the mean
X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 5.0])
errors = error_by_size(X, Y, np.array([[2.0]]), np.array([5.0]), [2, 3], 1e12)
assert_close(errors, [4.5, 3.0], "error_by_size (λ がとても大きい / huge λ)", rtol=1e-4)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(902)
d = 6
X, X_new = rng.standard_normal((40, d)) - 3, rng.standard_normal((15, d)) - 3
Y, Y_new = rng.standard_normal((40, 3)) + X[:, :3], rng.standard_normal((15, 3)) + X_new[:, :3]
for lam, sizes in [(0.5, [4, 7, 40]), (1.0, [15]), (20.0, [25, 10])]:
    right = []
    for n in sizes:
        # an independent way: ridge is least squares with sqrt(lam) * I written below the centred data
        centre, level = X[:n].mean(axis=0), Y[:n].mean(axis=0)
        below = np.vstack([X[:n] - centre, np.sqrt(lam) * np.eye(d)])
        w = np.linalg.lstsq(below, np.vstack([Y[:n] - level, np.zeros((d, 3))]), rcond=None)[0]
        right.append(np.sqrt(np.mean(((X_new - centre) @ w + level - Y_new) ** 2)))
    errors = error_by_size(X.copy(), Y.copy(), X_new.copy(), Y_new.copy(), list(sizes), lam)
    assert_close(errors, right, "error_by_size (リッジ / ridge)", rtol=1e-5)
### END HIDDEN TESTS

# %% [markdown] tags=["lang-ja"]
# 顔で試します。山をはっきり見るために、16×16 画素の小さな顔を使います (上半分は $d$ = 128 画素)。
# 訓練用の 300 枚は、順番を混ぜてあります。

# %% [markdown] tags=["lang-en"]
# On faces: small ones of 16×16 pixels (d = 128 in the upper half), the 300 training pictures shuffled.

# %%
order = np.random.default_rng(0).permutation(np.flatnonzero(is_train))
sizes = [10, 30, 60, 90, 110, 120, 129, 140, 150, 170, 200, 250, 300]
data = small_upper[order], small_lower[order], small_upper[~is_train], small_lower[~is_train]

figure, axis = plt.subplots(figsize=(6, 3))
for lam, style in [(0, "C3o-"), (0.1, "C1^-"), (10.0, "C0s-")]:
    axis.plot(sizes, 255 * np.array(error_by_size(*data, sizes, lam)), style, label=f"λ = {lam:g}")
axis.axvline(129, color="0.7", linestyle="--", label="n = d + 1 = 129")
axis.set_xlabel("訓練に使った枚数 n / training pictures")
axis.set_yscale("log")
axis.set_ylabel("テスト RMSE\n(階調 / grey levels)")
axis.set_yticks([25, 50, 100, 200], ["25", "50", "100", "200"])
axis.minorticks_off()
axis.legend()
plt.show()

# %% [markdown] tags=["lang-ja"]
# ## おわりに
#
# 罰則なしの最小二乗では、データを **増やした** のに誤差が急に大きくなるところがあります。
# 山の頂上は、方程式の数 $n$ が未知数の数 (重み 128 個と切片 1 個) とちょうど同じになるところです。
# そこでは、すべての写真をぴったり通る解が *一つしかなく*、その解は雑音に合わせるために途方もない重みになります。
# それより右では、全部をぴったり通ることはもうできないので、雑音がならされます。左では、無数の解から長さ最小のものを選ぶ余地が残ります。
# この形は **二重降下** (double descent) と呼ばれ、巨大な深層学習モデルが過剰適合しにくい理由の一つとして研究されています。
#
# そして、わずかな L2 の罰則 (図の λ = 0.1) があるだけで、山は **消えます**。
#
# 今日つくった道具を、講義の言葉で振り返りましょう。
#
# - データだけでは決まらない (不良設定) → 罰則が一つの答えを選ぶ (標準正則化理論)
# - 滑らかさ (L2)、簡潔さ (L1)、疎性 (L0) は、脳がもっているかもしれない「世界はこうなっているはずだ」という **先入観** です
# - 先入観が強すぎれば平均しか見えず、なければ雑音を見ます。ちょうどよい強さは、**知らないデータ** だけが教えてくれます
#
# 提出の前に、メニューの「カーネルを再起動し、すべてのセルを実行」で、上から下まで通ることを確かめてください。
# とばした問題があるとそこで止まりますが、そのまま提出してかまいません。続きのセルは、一つずつ実行して確かめます。

# %% [markdown] tags=["lang-en"]
# ## To end with
#
# Without a penalty there is a place where **more** data make it worse: where the number of equations n equals the number
# of unknowns (128 weights and an intercept). There is just one solution through all pictures, and it needs enormous
# weights to fit the noise. To the right no solution passes through all pictures any more, and noise averages out;
# to the left there is room to choose the shortest of many solutions. This shape is called **double descent**, and is
# studied as one reason why huge deep networks overfit so little. A little L2 (λ = 0.1 in the figure) makes the peak vanish.
#
# Data alone do not decide (ill-posed); a penalty chooses (regularisation). Smoothness, simplicity and sparseness are
# prejudices about the world that a brain may have. Too strong, and you see only the mean; without any, you see noise; only
# **unseen data** tell how strong is right. Before you hand in: restart the kernel and run all cells. A
# question that you skipped stops the run; you may hand in all the same, and run the cells below it one by one.
