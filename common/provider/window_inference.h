#pragma once

#include "common/model/settlement.h"

namespace chain429 {

// Names the window of a reading whose header did not, where its reset allows a conclusion. A bucket that refills evenly
// needs reset = window × used / limit until it is full: where that gives a usual window to 5 %, it is that; else the
// smallest of minute, hour and day that the reset fits into. Nothing used or no reset: it stays unknown (0).
void InferWindow(Reading& reading);

}  // namespace chain429
