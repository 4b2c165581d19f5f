rewardlang 1
task "pick up the book on the left and place it on top of the shelf"
scene "libero_90/STUDY_SCENE4_pick_up_the_book_on_the_left_and_place_it_on_top_of_the_shelf"

# Two books look alike. This one is "the book on the left"; yellow_book_1 starts in the
# zone "right".
object left_book = yellow_book_2
object shelf_top = wooden_two_layer_shelf_1_top_side

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, left_book) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(left_book) for 3 steps
    while near(gripper, left_book, 8 cm)
  }
  # The shelf top's rim is 21 cm above the left book's underside: 23 cm clear it.
  stage lift weight 1 { until lifted(left_book, 23 cm) while grasped(left_book) }
  stage carry weight 3 { until above(left_book, shelf_top) while grasped(left_book) }
  # LIBERO's goal, held or not: the left book touches, its centre within the edges of the
  # shelf top. The episode ends there, before any release.
  stage lower weight 2 { until on(left_book, shelf_top) while over(left_book, shelf_top) }
}

success bddl
