rewardlang 1
task "pick up the book and place it in the front compartment of the caddy"
scene "libero_90/STUDY_SCENE2_pick_up_the_book_and_place_it_in_the_front_compartment_of_the_caddy"

object book = black_book_1
object front_compartment = desk_caddy_1_front_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, book) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(book) for 3 steps while near(gripper, book, 8 cm) }
  # The front compartment's rim is 8 cm above the book's underside: 10 cm clear it.
  stage lift weight 1 { until lifted(book, 10 cm) while grasped(book) }
  # The walls are close: over the opening of the front compartment, without a margin.
  stage carry weight 3 { until at_mouth(book, front_compartment) while grasped(book) }
  # LIBERO's goal, held or not: the book's centre is inside the front compartment. The
  # episode ends there, before any release.
  stage lower weight 2 {
    until in(book, front_compartment)
    while over(book, front_compartment)
  }
}

success bddl
