-- Linear pay: the pool of a round goes to the workers whose updates were accepted, in proportion
-- to weight times score. Linear pay is the only kind that gains nothing from splitting one
-- identity into many.
--
-- Nothing is minted when no share is above zero; the ledger carries the pool into the next round.

function on_round_close(event)
  local shares = {}
  for i = 1, event.count do
    local share = 0
    if event.accepted[i] then
      share = mul(event.weights[i], event.scores_ppm[i])
    end
    shares[i] = share
  end
  -- Accounts come in ascending order, so ties by index are ties by account.
  local amounts = apportion(event.pool, shares)
  for i = 1, event.count do
    if amounts[i] > 0 then
      mint(event.accounts[i], amounts[i])
    end
  end
end
