"""k-means++ that heads and images share."""

import torch

from slotlight.model.kmeans import kmeans, kmeans_plus_plus


def test_each_image_and_head_has_its_own_seeds_as_if_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    points, draws = torch.rand(3, 2, 40, 5, generator=generator), torch.rand(3, 2, 6, generator=generator)
    together = kmeans_plus_plus(points, draws)
    for head in range(3):
        for image in range(2):
            alone = kmeans_plus_plus(
                points[head : head + 1, image : image + 1], draws[head : head + 1, image : image + 1]
            )
            assert torch.equal(together[head, image], alone[0, 0])


def test_heads_that_share_an_images_points_draw_as_if_each_had_its_own() -> None:
    generator = torch.Generator().manual_seed(1)
    points, draws = torch.rand(2, 3, 40, 5, generator=generator), torch.rand(4, 3, 6, generator=generator)
    own = kmeans_plus_plus(points.repeat_interleave(2, dim=0), draws)
    assert torch.equal(kmeans_plus_plus(points, draws), own)


def test_seeds_are_different_points_and_one_lies_in_each_far_cluster() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = 100 * torch.eye(4)
    points = centres.repeat_interleave(10, dim=0) + torch.rand(40, 4, generator=generator)
    seeds = kmeans_plus_plus(points[None, None], torch.rand(50, 1, 4, generator=generator))
    assert all(sorted((some // 10).tolist()) == [0, 1, 2, 3] for some in seeds[:, 0])


def test_it_draws_in_proportion_to_squared_distance() -> None:
    points = torch.tensor([[0.0], [1.0], [2.0]])
    draws = torch.stack([torch.zeros(1000), (torch.arange(1000) + 0.5) / 1000], dim=1)
    second = kmeans_plus_plus(points[None, None], draws[:, None])[:, 0, 1]
    assert second.bincount().tolist() == [0, 200, 800]


def test_fewer_points_than_clusters() -> None:
    assert kmeans(torch.zeros(1, 3, 2), 2).tolist() == [[0, 0, 0]]
