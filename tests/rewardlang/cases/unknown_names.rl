rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk  # error: unknown-object
object basket = basket_1_contain_region
object soup = tin  # error: unknown-object
object unused = butter_1  # warning: unused-object

seq {
  stage reach { until near(gripper, milk) }
  stage grasp { until holding(milk) for 3 steps }  # error: unknown-predicate
  stage lift { until dist(milk, basket) and lifted(mlk_1, 8 cm) }  # error: unknown-predicate, unknown-object
  stage move { until at_most(distance(milk, basket), 5 cm) }  # error: unknown-measure
  stage turn { until frobnicate(milk) }  # error: unknown-predicate
  use pick_and_place(milk, basket)  # error: unknown-macro
  use grasped(milk)  # error: unknown-macro
}

success bddl
