rewardlang 1
task "pick up the book on the right and place it under the cabinet shelf"
scene "libero_90/STUDY_SCENE4_pick_up_the_book_on_the_right_and_place_it_under_the_cabinet_shelf"

# Two books look alike. This one is "the book on the right"; yellow_book_2 starts in the
# zone "left".
object right_book = yellow_book_1
object lower_shelf = wooden_two_layer_shelf_1_bottom_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, right_book) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(right_book) for 3 steps
    while near(gripper, right_book, 8 cm)
  }
  # The floor of the lower shelf is no higher than where the right book starts; 5 cm set
  # it free.
  stage lift weight 1 { until lifted(right_book, 5 cm) while grasped(right_book) }
  # The way in is from the front, between 0 and 5 cm up.
  stage carry weight 3 {
    until at_mouth(right_book, lower_shelf)
    while grasped(right_book)
  }
  # LIBERO's goal, held or not: the right book's centre is inside the lower shelf. The
  # episode ends there, before any release.
  stage insert weight 2 { until in(right_book, lower_shelf) while grasped(right_book) }
}

success bddl
