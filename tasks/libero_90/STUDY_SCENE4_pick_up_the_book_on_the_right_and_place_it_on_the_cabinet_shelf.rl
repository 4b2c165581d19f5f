rewardlang 1
task "pick up the book on the right and place it on the cabinet shelf"
scene "libero_90/STUDY_SCENE4_pick_up_the_book_on_the_right_and_place_it_on_the_cabinet_shelf"

# Two books look alike. This one is "the book on the right"; yellow_book_2 starts in the
# zone "left".
object right_book = yellow_book_1
object upper_shelf = wooden_two_layer_shelf_1_top_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, right_book) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(right_book) for 3 steps
    while near(gripper, right_book, 8 cm)
  }
  # The floor of the upper shelf is 7 cm above the right book's underside: 9 cm clear it.
  stage lift weight 1 { until lifted(right_book, 9 cm) while grasped(right_book) }
  # The way in is from the front, between 7 and 20 cm up.
  stage carry weight 3 {
    until at_mouth(right_book, upper_shelf)
    while grasped(right_book)
  }
  # LIBERO's goal, held or not: the right book's centre is inside the upper shelf. The
  # episode ends there, before any release.
  stage insert weight 2 { until in(right_book, upper_shelf) while grasped(right_book) }
}

success bddl
